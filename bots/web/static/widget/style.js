// The look. A conversation runs along a line: answers are stations on it, the one being made is a train on its way.

export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  --accent: #0f6b5c; --on-accent: #fff; --paper: #fbfaf7; --card: #fff; --ink: #1b1f23; --soft: #5f656c; --line: #e3dfd6;
  --bad: #b3261e; --said: var(--accent); --on-said: var(--on-accent); --tint: color-mix(in srgb, var(--accent) 10%, var(--paper)); --edge: max(16px, env(safe-area-inset-left));
  color-scheme: light dark; font: 16px/1.6 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  color: var(--ink); -webkit-text-size-adjust: 100%; display: block;
}
@media (prefers-color-scheme: dark) {
  :host { --accent: #63c7b2; --on-accent: #05231d; --paper: #131618; --card: #1a1e21; --ink: #e8e6e1; --soft: #9ba2a8; --line: #2b3034; --bad: #ff8a80; --said: color-mix(in srgb, var(--accent) 30%, var(--paper)); --on-said: var(--ink); }
}
:host(:not([page])) { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; }
:host([page]) { height: 100%; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; background: none; border: 0; padding: 0; border-radius: 10px; -webkit-tap-highlight-color: transparent; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; display: block; }
.logo { stroke: var(--on-accent); stroke-width: 3; width: 30px; height: 30px; }
.logo rect { fill: var(--accent); stroke: none; }

.panel { display: flex; flex-direction: column; height: 100%; background: var(--paper); position: relative; overflow: hidden; }
:host(:not([page])) .panel {
  width: min(400px, calc(100vw - 40px)); height: min(660px, calc(100dvh - 40px)); border: 1px solid var(--line); border-radius: 20px;
  box-shadow: 0 24px 64px -12px rgb(0 0 0 / .28), 0 4px 14px rgb(0 0 0 / .08); animation: rise .22s cubic-bezier(.2, .8, .2, 1);
}
.launcher { width: 60px; height: 60px; border-radius: 20px; background: var(--accent); box-shadow: 0 10px 28px -6px rgb(0 0 0 / .4); display: grid; place-items: center; transition: transform .15s; }
.launcher:hover { transform: translateY(-2px); }
.launcher .logo { width: 40px; height: 40px; }

header { display: flex; align-items: center; gap: 10px; padding: 12px var(--edge); border-bottom: 1px solid var(--line); flex: none; }
header .who { flex: 1; min-width: 0; display: flex; align-items: center; gap: 8px; }
header strong { font-weight: 650; letter-spacing: -.01em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.link { width: 8px; height: 8px; flex: none; border-radius: 50%; background: var(--line); transition: background .3s; }
.link[data-up="true"] { background: #2f9e6e; }
.link[data-up="false"] { background: #d9a13a; }
header button { width: 40px; height: 40px; display: grid; place-items: center; color: var(--soft); }
header button:hover, .tools button:hover { color: var(--ink); background: var(--tint); }

.scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
.column { max-width: 760px; min-height: 100%; margin: 0 auto; padding: 24px var(--edge) 12px; display: flex; flex-direction: column; }
.empty { margin: auto 0; padding: 4vh 0 6vh; }
.empty .logo { width: 52px; height: 52px; margin-bottom: 20px; }
.empty p { margin: 0 0 28px; font-size: clamp(1.3rem, 1rem + 1.6vw, 1.85rem); line-height: 1.3; letter-spacing: -.02em; font-weight: 600; max-width: 26em; text-wrap: balance; }
.asks { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.asks button { display: flex; justify-content: space-between; align-items: center; gap: 12px; text-align: start; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; transition: border-color .15s, transform .15s; }
.asks button:hover { border-color: var(--accent); transform: translateY(-1px); }
.asks svg { flex: none; color: var(--accent); }

.log { display: flex; flex-direction: column; gap: 22px; position: relative; }
.log:not(:empty)::before { content: ""; position: absolute; inset: 58px auto 0 7px; width: 2px; background: var(--line); }
.asked { position: relative; padding-inline-start: 15%; display: flex; flex-direction: column; align-items: flex-end; }
.asked::before { content: ""; position: absolute; left: 7px; top: 22px; width: min(14%, 84px); height: 44px; border: solid var(--line); border-width: 2px 0 0 2px; border-top-left-radius: 34px; mask: linear-gradient(90deg, #000 30%, transparent); }
.asked p { max-width: 34em; margin: 0; padding: 10px 16px; background: var(--said); color: var(--on-said); border-radius: 18px 18px 5px 18px; white-space: pre-wrap; overflow-wrap: anywhere; transition: opacity .2s; }
.asked small { color: var(--soft); font-size: .8rem; }
.asked small:not(:empty) { margin-top: 4px; }
.asked small button { color: var(--accent); font-weight: 600; padding: 2px 8px; margin-left: 2px; }
.asked[data-state="sending"] p { opacity: .65; }
:is([data-state="failed"], [data-state="refused"]) p { background: none; color: inherit; box-shadow: inset 0 0 0 1.5px var(--bad); }
:is([data-state="failed"], [data-state="refused"]) small { color: var(--bad); }

.answer { position: relative; padding-left: 32px; min-width: 0; }
.answer::after { content: ""; position: absolute; left: 1px; top: 6px; width: 14px; height: 14px; border-radius: 50%; background: var(--paper); border: 3px solid var(--accent); }
.answer.dead::after { border-color: var(--bad); }
.answer.clarify::after { border-style: dotted; }
.growing::after { animation: pass 1.4s ease-in-out infinite; }
.dots { display: flex; gap: 5px; height: 26px; align-items: center; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite both; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }

.text { overflow-wrap: anywhere; }
.text > * { margin: 0 0 .75em; } .text > :last-child { margin-bottom: 0; }
.text :is(ul, ol) { padding-inline-start: 1.4em; } .text li { margin: .25em 0; } .text li::marker { color: var(--soft); }
.text :is(h1, h2, h3, h4, h5, h6) { font-size: 1.05em; font-weight: 650; line-height: 1.35; }
.text a, .quote a { color: var(--accent); text-underline-offset: 2px; }
.text code { font: .87em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--tint); padding: .12em .35em; border-radius: 5px; }
.text pre { overflow-x: auto; padding: 12px 14px; border-radius: 12px; background: var(--card); border: 1px solid var(--line); line-height: 1.5; }
.text pre code { background: none; padding: 0; overflow-wrap: normal; }
.text table { display: block; overflow-x: auto; border-collapse: collapse; font-size: .94em; overflow-wrap: normal; }
.text :is(th, td) { padding: 6px 12px; border-bottom: 1px solid var(--line); text-align: start; }
.text blockquote, .quote blockquote { margin-inline: 0; padding-inline-start: 12px; border-inline-start: 3px solid var(--line); color: var(--soft); }
.text hr { border: 0; border-top: 1px solid var(--line); }

.cite { line-height: 0; font-size: .72em; vertical-align: baseline; position: relative; top: -.25em; }
.cite button, span.cite { min-width: 1.75em; padding: .12em .45em; margin: 0 .12em; border-radius: 6px; background: var(--tint); color: var(--accent); font-weight: 650; line-height: 1.4; font-variant-numeric: tabular-nums; }
.cite button:hover, .cite [aria-expanded="true"] { background: var(--accent); color: var(--on-accent); }
.sources { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 14px; }
.sources button { display: flex; align-items: center; gap: 8px; max-width: 100%; padding: 4px 12px 4px 5px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); font-size: .86rem; }
.sources b { background: var(--tint); color: var(--accent); border-radius: 6px; min-width: 1.7em; text-align: center; font-weight: 650; }
.sources span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sources :is(:hover, [aria-expanded="true"]) { border-color: var(--accent); }
.quote { margin: 12px 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; font-size: .93rem; animation: rise .18s ease-out; }
.quote > * { margin: 0 0 8px; } .quote > :last-child { margin: 0; }
.quote strong { display: block; font-weight: 650; }
.quote blockquote { border-color: var(--accent); color: inherit; }
.quote a { display: inline-flex; align-items: center; gap: 4px; font-weight: 600; } .quote svg { width: 15px; height: 15px; }
.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 14px; }
.choices button { padding: 7px 14px; border: 1.5px solid var(--accent); border-radius: 999px; color: var(--accent); font-weight: 600; font-size: .92rem; }
.choices button:hover { background: var(--accent); color: var(--on-accent); }
.answer:not(:last-child) .choices { display: none; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 2px; margin: 8px 0 0 -8px; color: var(--soft); font-size: .84rem; }
.tools button { width: 34px; height: 34px; display: grid; place-items: center; } .tools svg { width: 17px; height: 17px; }
.tools [aria-pressed="true"] { color: var(--accent); } .tools [aria-pressed="true"] svg { fill: color-mix(in srgb, var(--accent) 25%, transparent); }
.why { margin-inline-start: 6px; } .why[open] { flex-basis: 100%; margin: 2px 0 0 8px; }
summary { cursor: pointer; border-radius: 6px; padding: 5px 2px; } summary:hover { color: var(--ink); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 4px 16px; margin: 6px 0 4px; padding: 12px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; font-variant-numeric: tabular-nums; }
dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }

.foot { flex: none; position: relative; width: 100%; max-width: 760px; margin: 0 auto; padding: 0 var(--edge) max(10px, env(safe-area-inset-bottom)); }
form { display: flex; align-items: flex-end; gap: 8px; padding: 7px 7px 7px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 24px; box-shadow: 0 2px 10px rgb(0 0 0 / .05); transition: border-color .15s; }
form:focus-within { border-color: var(--accent); }
textarea { flex: 1; min-width: 0; max-height: 34vh; padding: 6px 0; border: 0; background: none; resize: none; outline: none; line-height: 1.5; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: var(--soft); opacity: 1; }
.send { flex: none; width: 36px; height: 36px; border-radius: 50%; display: grid; place-items: center; background: var(--accent); color: var(--on-accent); transition: opacity .15s; }
.send:disabled { opacity: .35; cursor: default; }
.status { margin: 0; min-height: 1.5em; font-size: .82rem; color: var(--soft); text-align: center; }
.hint { margin: 6px 0 0; text-align: center; font-size: .75rem; color: var(--soft); }
.latest { position: absolute; left: 50%; top: -30px; width: 38px; height: 38px; margin-left: -19px; border-radius: 50%; display: grid; place-items: center; background: var(--card); border: 1px solid var(--line); box-shadow: 0 4px 14px rgb(0 0 0 / .14); }

@media (max-width: 520px), (pointer: coarse) { .hint { display: none; } }
@media (max-width: 520px) {
  :host(:not([page])[open]) { inset: 0; }
  :host(:not([page])) .panel { width: 100%; height: 100dvh; border: 0; border-radius: 0; padding-top: env(safe-area-inset-top); }
  .column { padding-top: 18px; }
  .answer { padding-left: 28px; }
}
@media (pointer: coarse) { .tools button, .choices button { min-height: 44px; min-width: 44px; } .sources button { min-height: 40px; } }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
@keyframes blink { 0%, 70%, 100% { opacity: .25; } 35% { opacity: 1; } }
@keyframes pass { 0%, 100% { transform: translateY(0); } 50% { transform: translateY(9px); } }
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
`);
