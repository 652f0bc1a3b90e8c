/**
 * The HTML report in a real browser (headless Chromium): whole, quiet, offline, within the width of
 * a phone, readable in light and dark, and with read-outs.
 *
 * The page is framed by one of the test's own, which looks into it and prints what it saw as JSON.
 */
import { expect, test } from "bun:test";
import { formatHtml } from "../src/bench/report/html.ts";
import { makePhaseResult } from "../src/bench/summarize.ts";
import { connectTarget, fanoutTarget, openTarget } from "../src/bench/test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../src/bench/test-results.ts";
import { hasPeer, run, temporaryFolder } from "./harness.ts";

const HAS_CHROMIUM = hasPeer("chromium");
const HOSTILE = `"><script>document.title = "taken"</script><img src=x onerror=alert(1)>'&amp;`;

/** Two targets with every kind of phase, failures and hostile names. */
function fullReport(): string {
  const reads = makePhaseResult(READ_PHASE, [runOf(90_000), runOf(100_000), runOf(110_000)]);
  const kv = targetOf("kv", {
    phases: [
      reads,
      ...openTarget([5000, 10_000, 20_000]).phases,
      ...fanoutTarget("kv", 9999).phases,
      ...connectTarget().phases,
    ],
  });
  const valkey = targetOf("valkey", {
    phases: [reads, ...fanoutTarget("valkey", 10_000).phases],
    endpoint: HOSTILE,
  });
  valkey.facts.version = HOSTILE;
  valkey.facts.settings.save = HOSTILE;
  const result = resultOf([kv, valkey]);
  result.argv = ["--db", "kv,valkey", "--command", `SET {key} ${HOSTILE}`];
  result.warnings = [`valkey: the server calls itself ${HOSTILE}`];
  result.isFailed = true;
  return formatHtml(result);
}

/** What the framing page finds in the report. */
interface Seen {
  title: string;
  scrollWidth: number;
  charts: number;
  unnamedCharts: number;
  scripts: number;
  images: number;
  headings: string[];
  text: string;
  tip: string;
  color: string;
  background: string;
}

const FRAME = (
  widthPx: number,
) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<iframe id="frame" src="/report.html" style="width:${widthPx}px;height:4000px;border:0"></iframe>
<script>
frame.onload = () => {
  const page = frame.contentDocument;
  const all = (selector) => [...page.querySelectorAll(selector)];
  const point = page.querySelector(".point");
  const box = point.getBoundingClientRect();
  point.dispatchEvent(new frame.contentWindow.PointerEvent("pointermove", {
    bubbles: true, clientX: box.left + 1, clientY: box.top + 1,
  }));
  const tip = page.getElementById("tip");
  const style = frame.contentWindow.getComputedStyle(page.body);
  const seen = {
    title: page.title,
    scrollWidth: page.documentElement.scrollWidth,
    charts: all("svg.chart").length,
    unnamedCharts: all("svg.chart").filter((svg) => !svg.querySelector("title") ||
      !svg.querySelector("desc").textContent).length,
    scripts: all("script").length,
    images: all("img").length,
    headings: all("h2").map((heading) => heading.textContent),
    text: page.body.innerText,
    tip: tip.hidden ? "" : tip.textContent,
    color: style.color,
    background: style.backgroundColor,
  };
  document.body.innerHTML = "<pre id=seen></pre>";
  document.getElementById("seen").textContent = encodeURIComponent(JSON.stringify(seen));
};
</script>`;

async function look(html: string, widthPx: number, flags: string[] = []) {
  using profile = temporaryFolder();
  const requests: string[] = [];
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      requests.push(pathname);
      const text = pathname === "/report.html" ? html : FRAME(widthPx);
      return new Response(text, { headers: { "content-type": "text/html" } });
    },
  });
  const command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"];
  const { stdout, stderr } = await run([
    ...command,
    `--user-data-dir=${profile.path}`,
    "--enable-logging=stderr",
    "--window-size=1400,4200",
    "--virtual-time-budget=10000",
    ...flags,
    "--dump-dom",
    `http://127.0.0.1:${server.port}/frame`,
  ]);
  const encoded = /<pre id="seen">([^<]*)<\/pre>/.exec(stdout)?.[1];
  if (encoded === undefined) throw new Error(`the browser saw nothing: ${stdout}${stderr}`);
  const messages = stderr.split("\n").filter((line) => line.includes(":CONSOLE"));
  const seen: Seen = JSON.parse(decodeURIComponent(encoded));
  return { seen, messages, requests };
}

/** WCAG's contrast of two colours as the browser gives them: "rgb(1, 2, 3)". */
function contrast(a: string, b: string): number {
  const [first = 0, second = 0] = [a, b]
    .map((color) => {
      const [red, green, blue] = (color.match(/\d+/g) ?? []).slice(0, 3).map((text) => {
        const value = Number(text) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .sort((x, y) => y - x);
  return (first + 0.05) / (second + 0.05);
}

test.if(HAS_CHROMIUM)("the report is whole, quiet and offline", async () => {
  const { seen, messages, requests } = await look(fullReport(), 1280);
  expect(messages).toEqual([]);
  expect(requests).toEqual(["/frame", "/report.html"]);
  expect(seen.headings).toEqual([
    ...["Throughput", "Rate and latency", "Latency", "Figures"],
    ...["What was compared", "Where it ran", "Repeat it"],
  ]);
  // Bars of reads, fan-out and connections; one sweep; percentiles of reads and fan-out.
  expect({ charts: seen.charts, unnamed: seen.unnamedCharts }).toEqual({ charts: 6, unnamed: 0 });
  for (const text of ["100,000/s ± 24.8 %", "99.990 %", "not sustained", "10.3 KiB", "FAILED"]) {
    expect(seen.text).toContain(text);
  }
  expect(seen.tip).toMatch(/^kv /);
});

test.if(HAS_CHROMIUM)("strings of a hostile server are text in the report", async () => {
  const { seen, messages } = await look(fullReport(), 1280);
  expect({ scripts: seen.scripts, images: seen.images }).toEqual({ scripts: 1, images: 0 });
  expect(seen.title).toBe("kv bench: kv, valkey");
  expect(seen.text).toContain(`valkey ${HOSTILE}`);
  expect(messages).toEqual([]);
});

test.if(HAS_CHROMIUM)("markup that got into the report could still not run", async () => {
  const script = '<script>document.title = "taken"</script>';
  const { seen, messages } = await look(fullReport().replace("</main>", `${script}</main>`), 1280);
  expect(seen.scripts).toBe(2);
  expect(seen.title).toBe("kv bench: kv, valkey");
  expect(messages.join()).toContain("Content Security Policy");
});

for (const widthPx of [320, 360, 768]) {
  test.if(HAS_CHROMIUM)(`the report fits a screen of ${widthPx} px`, async () => {
    const { seen } = await look(fullReport(), widthPx);
    expect(seen.scrollWidth).toBeLessThanOrEqual(widthPx);
  });
}

test.if(HAS_CHROMIUM)("the report can be read in light and in dark", async () => {
  const light = await look(fullReport(), 400);
  const dark = await look(fullReport(), 400, ["--force-dark-mode"]);
  expect(light.seen.background).not.toBe(dark.seen.background);
  for (const { seen } of [light, dark]) {
    expect(contrast(seen.color, seen.background)).toBeGreaterThan(7);
  }
});
