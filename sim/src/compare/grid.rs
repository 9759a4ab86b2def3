//! `--vary key=a,b,c`: which variants of a scenario there are.

use im_reports::comparison::Varied;

/// One way to set all varied keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// What it is called: its values, with their keys if several keys are varied.
    pub name: String,
    /// `key=value`, one for each varied key.
    pub sets: Vec<String>,
}

/// Reads `key=a,b,c`. Commas within brackets, braces and quotes belong to their value.
pub fn parse(argument: &str) -> Result<Varied, String> {
    let refuse = || {
        format!(
            "`{argument}` is no key and values; write key=a,b as in im.fanout=write,read,hybrid"
        )
    };
    let (key, text) = argument.split_once('=').ok_or_else(refuse)?;
    let values = split(text);
    if key.trim().is_empty() || values.iter().any(String::is_empty) {
        return Err(refuse());
    }
    for (place, value) in values.iter().enumerate() {
        if values[..place].contains(value) {
            return Err(format!("`{argument}` has `{value}` twice"));
        }
    }
    Ok(Varied { key: key.trim().to_owned(), values })
}

/// Demands that no key is varied twice, by itself or as a part of another: the later one would override
/// the earlier.
pub fn demand_apart(varied: &[Varied]) -> Result<(), String> {
    for (place, one) in varied.iter().enumerate() {
        let within = |part: &str, whole: &str| {
            part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let clash = |other: &&Varied| within(&one.key, &other.key) || within(&other.key, &one.key);
        let Some(other) = varied[..place].iter().find(clash) else { continue };
        return Err(match one.key == other.key {
            true => format!("--vary names `{}` twice; give all its values at once", one.key),
            false => format!(
                "--vary names `{}` and `{}`, of which one is a part of the other; vary one of them",
                other.key, one.key
            ),
        });
    }
    Ok(())
}

fn split(text: &str) -> Vec<String> {
    let (mut depth, mut quote, mut values) = (0_i32, None, vec![String::new()]);
    for letter in text.chars() {
        match letter {
            ',' if depth == 0 && quote.is_none() => {
                values.push(String::new());
                continue;
            }
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            _ if quote == Some(letter) => quote = None,
            '{' | '[' if quote.is_none() => depth += 1,
            '}' | ']' if quote.is_none() => depth -= 1,
            _ => {}
        }
        values.last_mut().expect("there is one").push(letter);
    }
    values.into_iter().map(|value| value.trim().to_owned()).collect()
}

/// Every combination of the varied keys' values; the last key changes fastest.
pub fn choices(varied: &[Varied]) -> Vec<Choice> {
    let short = short_keys(varied);
    let mut choices = vec![Choice { name: String::new(), sets: Vec::new() }];
    for (one, short) in varied.iter().zip(&short) {
        let longer = choices.iter().flat_map(|choice| {
            one.values.iter().map(move |value| {
                let mut choice = choice.clone();
                choice.sets.push(format!("{}={value}", one.key));
                let word = match varied.len() {
                    1 => value.clone(),
                    _ => format!("{short}={value}"),
                };
                choice.name = [choice.name, word].join(" ").trim().to_owned();
                choice
            })
        });
        choices = longer.collect();
    }
    choices
}

/// The last words of the keys, where these tell the keys apart.
fn short_keys(varied: &[Varied]) -> Vec<&str> {
    let last: Vec<&str> =
        varied.iter().map(|one| one.key.rsplit('.').next().unwrap_or(&one.key)).collect();
    let unique = |place: usize| last.iter().filter(|word| **word == last[place]).count() == 1;
    let keys = varied.iter().enumerate();
    keys.map(|(place, one)| if unique(place) { last[place] } else { &one.key }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Vec<String> {
        let varied: Vec<Varied> = arguments.iter().map(|one| parse(one).unwrap()).collect();
        choices(&varied).into_iter().map(|choice| choice.name).collect()
    }

    #[test]
    fn one_key_goes_by_its_values_and_several_form_a_grid() {
        assert_eq!(names(&["im.fanout=write,read"]), ["write", "read"]);
        assert_eq!(
            names(&["im.fanout=write,read", "workload.groups.rate=5/s, 10/s"]),
            [
                "fanout=write rate=5/s",
                "fanout=write rate=10/s",
                "fanout=read rate=5/s",
                "fanout=read rate=10/s"
            ]
        );
        assert_eq!(
            names(&["workload.a.rate=1/s", "workload.b.rate=2/s"]),
            ["workload.a.rate=1/s workload.b.rate=2/s"]
        );
    }

    #[test]
    fn a_key_is_varied_once() {
        let apart = |arguments: &[&str]| {
            let varied: Vec<Varied> = arguments.iter().map(|one| parse(one).unwrap()).collect();
            demand_apart(&varied)
        };
        assert_eq!(apart(&["im.fanout=write", "im.fan=a", "workload.a.rate=1/s"]), Ok(()));
        let twice = apart(&["im.fanout=write,read", "im.fanout=hybrid"]).unwrap_err();
        assert_eq!(twice, "--vary names `im.fanout` twice; give all its values at once");
        assert!(apart(&["im.merge.max=5,6", "im.merge={ max = 1 }"]).is_err());
        assert!(apart(&["im.merge={ max = 1 }", "im.merge.max=5,6"]).is_err());
    }

    #[test]
    fn commas_within_a_value_stay() {
        let varied = parse(r#"im.merge={ max = 5, window = "1,5ms" },{ max = 9 }"#).unwrap();
        assert_eq!(varied.values, [r#"{ max = 5, window = "1,5ms" }"#, "{ max = 9 }"]);
    }

    #[test]
    fn what_is_no_list_of_values_is_refused() {
        for wrong in ["im.fanout", "im.fanout=", "=a", "im.fanout=a,,b", "im.fanout=a,a"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
