/** One column for the paths, one for reading; light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d9dce3, #343945); --soft: light-dark(#f5f6f9, #1b1e26); --accent: light-dark(#3b3fb6, #a9adff); --muted: light-dark(#5a6070, #9aa1b2); }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 20rem minmax(0, 1fr); font: 15px/1.55 system-ui, sans-serif; background: light-dark(#fff, #14161c); color: light-dark(#1b1e26, #e4e6ed); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); background: var(--soft); font-size: 13px; }
nav h2 { margin: 1.25rem 0 .25rem; font-size: 12px; text-transform: uppercase; letter-spacing: .06em; color: var(--muted); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: grid; grid-template-columns: 3.8rem 1fr; align-items: baseline; padding: .15rem 0; color: inherit; text-decoration: none; overflow-wrap: anywhere; }
nav p a { display: inline; color: var(--accent); }
a:hover, a:focus-visible { text-decoration: underline; }
main { padding: 2rem clamp(1rem, 4vw, 3rem); max-width: 62rem; }
h1 { margin-top: 0; letter-spacing: -.02em; }
section > h2 { margin: 3rem 0 1rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
article { margin: 0 0 2.5rem; scroll-margin-top: 1rem; }
article:target h3 { color: var(--accent); }
h3 { margin: 0 0 .25rem; font-size: 1rem; overflow-wrap: anywhere; }
b { display: inline-block; min-width: 4.2em; font: 600 .75em ui-monospace, monospace; }
b.GET { color: light-dark(#12704a, #63d3a2); } b.POST { color: light-dark(#2848b8, #8fa8ff); } b.PUT { color: light-dark(#8a5a00, #f0b95a); } b.DELETE { color: light-dark(#b3261e, #ff8f86); }
i { color: var(--muted); font-size: .8em; }
code { font: .88em ui-monospace, monospace; }
pre { margin: .75rem 0; padding: .75rem 1rem; overflow-x: auto; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; }
table { width: 100%; margin: .75rem 0; border-collapse: collapse; font-size: 13px; }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--muted); font-weight: 600; }
td:first-child { white-space: nowrap; }
summary { cursor: pointer; color: var(--accent); }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; } td:first-child { white-space: normal; } }
`;
