//! `SORT`: the elements of a list, a set or a sorted set by their own values, or by those of keys that
//! they name.

use std::cmp::Ordering;

use super::flags::{DENY_OOM, READ, WRITE};
use super::{Command, Context, FIRST, Failure, Keys, Reply, command, up_to_zero};
use crate::redis::number::{float, integer};
use crate::redis::values::{List, Value};

pub(super) const TABLE: &[Command] = &[
    command("sort", -2, WRITE | DENY_OOM, Keys::FirstAndStored, sort),
    command("sort_ro", -2, READ, FIRST, sort_ro),
];

fn sort(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    run(context, words, false)
}

fn sort_ro(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    run(context, words, true)
}

/// What is asked for.
struct Sort<'a> {
    falling: bool,
    /// By texts, not by numbers.
    alpha: bool,
    /// A pattern without a star: the order stays as it is, whatever pattern comes behind.
    as_it_is: bool,
    by: Option<&'a [u8]>,
    gets: Vec<&'a [u8]>,
    /// How many are left out, and how many are told; all when negative.
    limit: (i64, i64),
    to: Option<&'a [u8]>,
}

impl<'a> Sort<'a> {
    fn parse(words: &'a [Vec<u8>], reads_only: bool) -> Result<Self, Failure> {
        let (falling, alpha, as_it_is) = (false, false, false);
        let (by, gets, limit, to) = (None, Vec::new(), (0, -1), None);
        let mut sort = Self { falling, alpha, as_it_is, by, gets, limit, to };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match (word.to_ascii_lowercase().as_slice(), words.as_slice()) {
                (b"asc", _) => sort.falling = false,
                (b"desc", _) => sort.falling = true,
                (b"alpha", _) => sort.alpha = true,
                (b"limit", [start, count, ..]) => {
                    let number = |word: &[u8]| integer(word).ok_or(Failure::NotAnInteger);
                    sort.limit = (number(start)?, number(count)?);
                    words.nth(1);
                }
                (b"store", [to, ..]) if !reads_only => {
                    sort.to = Some(to);
                    words.next();
                }
                (b"by", [pattern, ..]) => {
                    sort.by = Some(pattern);
                    sort.as_it_is |= !up_to_zero(pattern).contains(&b'*');
                    words.next();
                }
                (b"get", [pattern, ..]) => {
                    sort.gets.push(pattern);
                    words.next();
                }
                _ => return Err(Failure::Syntax),
            }
        }
        Ok(sort)
    }

    /// The part of `len` elements that is told.
    fn told(&self, len: usize) -> std::ops::Range<usize> {
        let place = |at: i64| usize::try_from(at.max(0)).map_or(len, |at| at.min(len));
        let (start, count) = self.limit;
        let start = place(start);
        let end = if count < 0 { len } else { (start + place(count)).min(len) };
        start..end
    }
}

fn run(context: &mut Context<'_>, words: &[Vec<u8>], reads_only: bool) -> Result<Reply, Failure> {
    let mut sort = Sort::parse(&words[2..], reads_only)?;
    let (mut elements, ordered) = elements(context, &words[1])?;
    // The members of a set have no order of their own, and replicas and scripts must see the same.
    if sort.as_it_is && !ordered && (sort.to.is_some() || context.in_script()) {
        (sort.as_it_is, sort.alpha, sort.by) = (false, true, None);
    }
    if !sort.as_it_is {
        elements = sorted(context, &sort, elements)?;
    } else if sort.falling && ordered {
        elements.reverse();
    }
    let told = &elements[sort.told(elements.len())];
    let mut found: Vec<Option<Vec<u8>>> = Vec::new();
    for element in told {
        if sort.gets.is_empty() {
            found.push(Some(element.clone()));
        }
        found.extend(sort.gets.iter().map(|pattern| named(context, pattern, element)));
    }
    let Some(to) = sort.to else {
        let found = found.into_iter().map(|one| one.map_or(Reply::Null, Reply::Bulk));
        return Ok(Reply::Array(found.collect()));
    };
    Ok(store(context, to, found.into_iter().map(Option::unwrap_or_default).collect()))
}

fn store(context: &mut Context<'_>, to: &[u8], list: List) -> Reply {
    let len = list.len();
    let replaced = context.db().remove_for(to, len).is_some();
    if len > 0 {
        context.db().set(to, list.into());
    }
    if replaced || len > 0 {
        context.modified(to);
    }
    Reply::count(len)
}

/// The elements that the key holds, and whether they have an order.
fn elements(context: &mut Context<'_>, key: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Failure> {
    match context.db().get(key) {
        None => Ok((Vec::new(), true)),
        Some(Value::List(list)) => Ok((list.iter().cloned().collect(), true)),
        Some(Value::Set(set)) => Ok((set.members(), false)),
        Some(Value::SortedSet(set)) => {
            // Redis needs the other form for this, and does not go back.
            set.grow_out();
            Ok((set.at(0..set.len()).map(|(member, _)| member.to_vec()).collect(), true))
        }
        Some(_) => Err(Failure::WrongType),
    }
}

/// What decides on the place of an element.
enum Weight {
    Number(f64),
    /// Nothing if there is no such key.
    Text(Option<Vec<u8>>),
}

fn sorted(
    context: &mut Context<'_>,
    sort: &Sort<'_>,
    elements: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, Failure> {
    let mut weighed = Vec::new();
    let mut wrong = false;
    for element in elements {
        let text = match sort.by {
            Some(pattern) => named(context, pattern, &element),
            None => Some(element.clone()),
        };
        let weight = if sort.alpha {
            Weight::Text(text)
        } else {
            let number = text.map_or(Some(0.0), |text| number(&text));
            wrong |= number.is_none();
            Weight::Number(number.unwrap_or(0.0))
        };
        weighed.push((weight, element));
    }
    if wrong {
        return Err(Failure::text("One or more scores can't be converted into double"));
    }
    // What is only told is ordered by the texts that C sees, in the order of their bytes.
    let shown = |text: &'_ Vec<u8>| match sort.to {
        Some(_) => text.clone(),
        None => up_to_zero(text).to_vec(),
    };
    weighed.sort_by(|(weight, element), (other_weight, other)| {
        let order = match (weight, other_weight) {
            (Weight::Number(one), Weight::Number(two)) => {
                one.partial_cmp(two).unwrap_or(Ordering::Equal).then_with(|| element.cmp(other))
            }
            (Weight::Text(one), Weight::Text(two)) => {
                one.as_ref().map(shown).cmp(&two.as_ref().map(shown))
            }
            _ => unreachable!("all weights are of one kind"),
        };
        if sort.falling { order.reverse() } else { order }
    });
    Ok(weighed.into_iter().map(|(_, element)| element).collect())
}

/// A text as C's `strtod` reads it, which takes nothing at all for zero.
fn number(text: &[u8]) -> Option<f64> {
    let text = up_to_zero(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t'..=b'\r');
    float(&text[text.iter().take_while(blank).count()..])
}

/// The string that a pattern names for an element, or the field of a hash: the element stands for the
/// first star, and the field behind an arrow. `#` is the element itself.
fn named(context: &mut Context<'_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    let text = up_to_zero(pattern);
    if text == b"#" {
        return Some(element.to_vec());
    }
    let star = text.iter().position(|byte| *byte == b'*')?;
    let (before, behind) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = text[star + 1..].windows(2).position(|two| two == b"->");
    let arrow = arrow.filter(|at| star + 1 + at + 2 < text.len());
    let (behind, field) = match arrow {
        Some(at) => (&behind[..at], Some(&behind[at + 2..])),
        None => (behind, None),
    };
    let key = [before, element, behind].concat();
    match (context.db().get(&key)?, field) {
        (Value::String(bytes), None) => Some(bytes.clone()),
        (Value::Hash(hash), Some(field)) => hash.get(field).map(<[u8]>::to_vec),
        _ => None,
    }
}
