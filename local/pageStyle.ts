// The look of the embedded cloud's few pages for people: the system's font, light and dark, nothing to download.

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --soft: #667085; --line: #e3e6ec; --paper: #fff; --back: #f6f7f9; --accent: #3b5bdb; --good: #1a7f4b; --done: #7c4dcc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2c3342; --paper: #171b24; --back: #10131a; --accent: #8ea5ff; --good: #57c793; --done: #b794f6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .25rem; }
h1 .number, .soft { color: var(--soft); font-weight: 400; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; margin: 1rem 0; overflow-wrap: anywhere; }
.card > :first-child { margin-top: 0; } .card > :last-child { margin-bottom: 0; }
.label { display: inline-block; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; font-size: .8rem; color: var(--soft); margin-right: .3rem; }
.state { font-weight: 600; color: var(--good); } .state.closed { color: var(--done); }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; overflow-x: auto; font-size: .85rem; line-height: 1.45; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
ul.rows { list-style: none; padding: 0; margin: 1rem 0; } ul.rows li { border-bottom: 1px solid var(--line); padding: .7rem 0; }
form label { display: block; font-weight: 600; margin: .8rem 0 .25rem; }
input, textarea, button, a.button { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: 8px; padding: .5rem .75rem; background: var(--paper); width: 100%; }
textarea { min-height: 12rem; font-family: ui-monospace, monospace; font-size: .85rem; }
button { width: auto; margin-top: 1rem; background: var(--accent); border-color: var(--accent); color: var(--paper); font-weight: 600; cursor: pointer; }
a.button { display: block; margin: .5rem 0; } a.button:hover { border-color: var(--accent); text-decoration: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;
