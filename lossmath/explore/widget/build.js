// Bundles src/ and the d3 modules it uses into one ES module, ../explorer.js.
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const d3 = JSON.parse(readFileSync("package-lock.json")).packages;
const used = Object.keys(d3)
  .filter((name) => /^node_modules\/(d3-|internmap)/.test(name))
  .map((name) => `${name.slice("node_modules/".length)} ${d3[name].version}`);

await build({
  entryPoints: ["src/main.js"],
  outfile: "../explorer.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2021",
  charset: "utf8",
  legalComments: "none",
  banner: {
    js: `/* lossmath explorer, built from lossmath/explore/widget. Includes ${used.join(", ")}: Copyright Mike Bostock, ISC licence. */`,
  },
});
