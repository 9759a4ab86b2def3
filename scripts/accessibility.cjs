// Looks at pages with axe-core in a headless Chromium; called by scripts/accessibility, which says what
// is held against them. Must not know what the pages are about.

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const puppeteer = require("puppeteer-core");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [390, 1440];
const SCHEMES = ["light", "dark"];
const SERIOUS = ["serious", "critical"];

const [chromium, ...pages] = process.argv.slice(2);

// Everything that is wrong with a page on one kind of screen: how bad, what, and where.
async function look(browser, file, width, scheme) {
    const page = await browser.newPage();
    const own = pathToFileURL(file).href;
    const wrong = [];
    page.on("request", (request) => {
        const url = request.url();
        if (url !== own && !url.startsWith("data:")) {
            wrong.push({ impact: "serious", what: "asks for something outside itself", where: [url] });
        }
    });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(own, { waitUntil: "networkidle0" });
    // What is folded away counts too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) {
        const where = await page.evaluate(widest, width);
        wrong.push({ impact: "serious", what: `is ${wide} pixels wide on a screen of ${width}`, where });
    }
    for (const [what, where] of Object.entries(await page.evaluate(faintWords))) {
        wrong.push({ impact: "serious", what, where });
    }
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document));
    // Of words that are scrolled out of sight axe cannot tell the contrast: once more, all in sight.
    await page.addStyleTag({ content: ".scroll { overflow: visible } pre { white-space: pre-wrap }" });
    await page.setViewport({ width: 4000, height: 900 });
    const contrast = (results) => results.filter((one) => one.id === "color-contrast");
    const again = await page.evaluate(() => window.axe.run(document, { runOnly: ["color-contrast"] }));
    found.violations.push(...(contrast(found.violations).length ? [] : again.violations));
    found.incomplete = found.incomplete.filter((one) => one.id !== "color-contrast").concat(again.incomplete);
    for (const one of found.violations) {
        const where = one.nodes.map((node) => node.target.join(" "));
        wrong.push({ impact: one.impact, what: `${one.id}: ${one.help}`, where });
    }
    for (const one of found.incomplete) {
        // Words in plots are decided above.
        const where = one.nodes.map((node) => node.target.join(" ")).filter((at) => !/svg|text/.test(at));
        if (where.length === 0) continue;
        wrong.push({ impact: "undecided", what: `${one.id}: ${one.help}`, where });
    }
    await page.close();
    return { wrong, rules: found.passes.length + found.violations.length };
}

// The elements that stick out to the right; runs in the page.
function widest(width) {
    const out = [...document.querySelectorAll("body *")].filter((one) => {
        const clipped = one.closest(".scroll, pre, svg");
        return (!clipped || clipped === one) && one.getBoundingClientRect().right > width + 0.5;
    });
    return out.slice(0, 5).map((one) => `${one.tagName.toLowerCase()}.${one.className}`);
}

// Words in plots that are hard to read where they stand, by how hard; axe-core does not look into
// drawings. Runs in the page.
function faintWords() {
    const NEEDED = 4.5;
    const channels = (colour) => (colour.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const over = (top, share, below) => below.map((one, place) => top[place] * share + one * (1 - share));
    const light = (colour) => {
        const [red, green, blue] = colour.map((one) => {
            const part = one / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    // What lies under a word, from the top: shapes of its plot, then the paper of the page.
    const ground = (word, x, y) => {
        const layers = [];
        const below = document.elementsFromPoint(x, y);
        for (const one of below.slice(below.indexOf(word) + 1)) {
            const style = getComputedStyle(one);
            const shape = one instanceof SVGElement;
            if (one.tagName === "text" || (shape && style.fill === "none")) continue;
            const colour = channels(shape && one.tagName !== "svg" ? style.fill : style.backgroundColor);
            const alpha = (colour[3] ?? 1) * Number(shape ? style.opacity * style.fillOpacity : 1);
            if (alpha > 0) layers.push([colour.slice(0, 3), alpha]);
        }
        const paper = getComputedStyle(document.documentElement).colorScheme === "dark" ? 0 : 255;
        return layers.reduceRight((sum, [colour, alpha]) => over(colour, alpha, sum), [paper, paper, paper]);
    };
    const faint = {};
    for (const word of document.querySelectorAll("svg.plot text")) {
        if (word.getClientRects().length === 0) continue;
        word.scrollIntoView({ block: "center", inline: "center" });
        const box = word.getBoundingClientRect();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        const under = ground(word, x, y);
        const [one, other] = [light(channels(getComputedStyle(word).fill).slice(0, 3)), light(under)];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < NEEDED) {
            const what = `words in a plot have a contrast of ${contrast.toFixed(1)}, not ${NEEDED}`;
            (faint[what] ||= []).push(`"${word.textContent.trim()}"`);
        }
    }
    return faint;
}

async function main() {
    const browser = await puppeteer.launch({
        executablePath: chromium,
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    let serious = 0;
    let others = 0;
    for (const file of pages) {
        const name = path.join(path.basename(path.dirname(file)), path.basename(file));
        for (const width of WIDTHS) {
            for (const scheme of SCHEMES) {
                const { wrong, rules } = await look(browser, file, width, scheme);
                const bad = wrong.filter((one) => SERIOUS.includes(one.impact)).length;
                serious += bad;
                others += wrong.length - bad;
                const said = wrong.length === 0 ? "nothing found" : `${bad} serious, ${wrong.length - bad} other`;
                console.log(`${name}  ${width} px  ${scheme}: ${said} (${rules} rules)`);
                for (const { impact, what, where } of wrong) {
                    const more = where.length > 3 ? `, … (${where.length} in all)` : "";
                    console.log(`    ${impact}: ${what}\n        ${where.slice(0, 3).join(", ")}${more}`);
                }
            }
        }
    }
    await browser.close();
    console.log(`\n${pages.length} pages: ${serious} serious findings, ${others} others.`);
    process.exitCode = serious === 0 ? 0 : 1;
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
