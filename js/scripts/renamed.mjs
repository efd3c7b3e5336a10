// Whether short names are given only where nobody reads an object by another name: the source that has them is given to
// the type checker. What was renamed in one place and not in another, or meets another name, is an error there.
//
//     node scripts/renamed.mjs

import { fileURLToPath } from "node:url";
import ts from "typescript";
import { edits } from "./names.mjs";

const HOME = fileURLToPath(new URL("..", import.meta.url));

const { found, names } = edits();
const { options, fileNames } = ts.parseJsonConfigFileContent(
  { ...ts.readConfigFile(`${HOME}tsconfig.json`, ts.sys.readFile).config, include: ["src"] },
  ts.sys,
  HOME,
);
const host = ts.createCompilerHost(options);
const read = host.readFile;
host.readFile = (name) => {
  let text = read(name);
  for (const { from, to, text: short } of [...(found.get(name) ?? [])].sort((a, b) => b.from - a.from)) {
    text = text.slice(0, from) + short + text.slice(to);
  }
  return text;
};
const program = ts.createProgram(fileNames, options, host);
const faults = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
  const line = file?.getLineAndCharacterOfPosition(start).line;
  return `${file?.fileName}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
});
if (faults.length) {
  console.error(`the source is not sound with its short names:\n${faults.slice(0, 20).join("\n")}`);
  process.exit(1);
}
console.log(`${names.length} names are short, and the source is as sound as with the long ones`);
