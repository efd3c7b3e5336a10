// Short names for what only this package sees. A minifier may not rename properties, for it cannot know who else reads
// them; the type checker does. A name is made short if *each* property of that name, anywhere in the source, belongs to
// a class that no program sees, or to an interface marked `@internal`. So what goes over the wire, over a channel, into
// a store, or to a program keeps its name: there it is read as something else, and once is enough.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import MagicString from "magic-string";
import ts from "typescript";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));
/** What the language itself asks objects for. */
const LANGUAGE = ["then", "next", "return", "throw", "done", "value", "constructor", "toString", "toJSON"];
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const internal = (node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal");

/** What a program may import: `Client`, `Room` and so on. */
function seen(checker, program) {
  const found = new Set();
  for (const entry of ["index", "react", "types"]) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(`${SOURCE}/${entry}.ts`));
    for (const one of checker.getExportsOfModule(module)) {
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      for (const declaration of symbol.declarations ?? []) found.add(declaration);
    }
  }
  return found;
}

/** The name of a property that stands here, and whose it is. */
function* properties(node, checker) {
  const { parent } = node;
  if (!ts.isIdentifier(node)) return;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    yield checker.getSymbolAtLocation(node);
  } else if (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent)) {
    if ((parent.propertyName ?? parent.name) !== node || parent.dotDotDotToken) return;
    yield checker.getTypeAtLocation(parent.parent).getProperty(node.text);
  } else if (
    (ts.isPropertyAssignment(parent) ||
      ts.isShorthandPropertyAssignment(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isAccessor(parent)) &&
    parent.name === node &&
    ts.isObjectLiteralExpression(parent.parent)
  ) {
    const wanted = checker.getContextualType(parent.parent);
    yield wanted && checker.getPropertyOfType(checker.getNonNullableType(wanted), node.text);
  } else if ((ts.isClassElement(parent) || ts.isTypeElement(parent)) && parent.name === node) {
    yield checker.getSymbolAtLocation(node);
  } else if (ts.isParameterPropertyDeclaration(parent, parent.parent) && parent.name === node)
    yield undefined;
}

/** What is renamed, in each file: where, how long the old name is, and the new one. */
function plan() {
  const files = readdirSync(SOURCE).map((name) => `${SOURCE}/${name}`);
  const config = ts.readConfigFile(`${SOURCE}/../tsconfig.json`, ts.sys.readFile).config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(config, `${SOURCE}/..`);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const exported = seen(checker, program);
  const ours = (symbol) =>
    symbol?.declarations?.length > 0 &&
    symbol.declarations.every((declaration) => {
      const owner = declaration.parent;
      if (ts.isInterfaceDeclaration(owner)) return internal(owner);
      return ts.isClassDeclaration(owner) && (!exported.has(owner) || internal(declaration));
    });
  const kept = new Set(LANGUAGE);
  const places = new Map();
  for (const name of files) {
    const visit = (node) => {
      if (ts.isStringLiteralLike(node)) kept.add(node.text);
      for (const symbol of properties(node, checker)) {
        if (!ours(symbol)) kept.add(node.text);
        else places.set(node.text, [...(places.get(node.text) ?? []), { name, node }]);
      }
      ts.forEachChild(node, visit);
    };
    visit(program.getSourceFile(name));
  }
  return { kept, places };
}

/** The edits of each file. */
export function edits() {
  const { kept, places } = plan();
  const free = [...LETTERS, ...[...LETTERS].flatMap((one) => [...LETTERS].map((two) => one + two))].filter(
    (name) => !kept.has(name),
  );
  const found = new Map();
  const named = [...places]
    .filter(([name]) => !kept.has(name))
    .sort(([one, ones], [other, others]) => others.length - ones.length || (one < other ? -1 : 1));
  named.forEach(([name, those], at) => {
    for (const { name: file, node } of those) {
      const { parent } = node;
      const short = free[at];
      const shorthand =
        ts.isShorthandPropertyAssignment(parent) ||
        (ts.isBindingElement(parent) && parent.propertyName === undefined);
      const edit = {
        from: node.getStart(),
        to: node.getEnd(),
        text: shorthand ? `${short}: ${name}` : short,
      };
      found.set(file, [...(found.get(file) ?? []), edit]);
    }
  });
  return { found, names: named.map(([name]) => name) };
}

/** For rolldown and tsdown. */
export function shortNames() {
  let found;
  return {
    name: "short-names",
    transform(code, id) {
      found ??= edits().found;
      const those = found.get(id);
      if (!those) return null;
      const text = new MagicString(code);
      for (const { from, to, text: short } of those) text.overwrite(from, to, short);
      return { code: text.toString(), map: text.generateMap({ hires: true, source: id }) };
    },
  };
}
