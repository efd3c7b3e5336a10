// Short names for what only this package sees. A minifier may not rename properties, for it cannot know who else reads
// them; the type checker does. A property is made short if it, and whatever is one with it (sameness.mjs), belongs to a
// class that no program sees, or to an interface marked `@internal`; a private field always is. So what goes over the
// wire, over a channel, into a store, or to a program keeps its name: there it is read as something else, and once is
// enough. Names that never meet on one object share a short one.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import MagicString from "magic-string";
import ts from "typescript";
import { ENTRIES } from "./entries.mjs";
import { Sameness } from "./sameness.mjs";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));
/** What the language itself asks objects for. */
const LANGUAGE = ["then", "next", "return", "throw", "done", "value", "constructor", "toString", "toJSON"];
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const internal = (node) => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal");

/** What a program may import: `Client`, `Room` and so on. */
function seen(checker, program) {
  const found = new Set();
  // With what it extends, which may be exported or not.
  const add = (symbol) => {
    for (const declaration of symbol?.declarations ?? []) {
      found.add(declaration);
      for (const { types } of declaration.heritageClauses ?? [])
        for (const base of types) add(checker.getTypeAtLocation(base).symbol);
    }
  };
  for (const entry of [...ENTRIES, "types"]) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(`${SOURCE}/${entry}.ts`));
    for (const one of checker.getExportsOfModule(module)) {
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      add(symbol);
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

/** Names that may stand on one object, as far as types tell: of these no two get the same short name. */
class Neighbours {
  #by = new Map();

  meet(names) {
    for (const name of names) {
      const those = this.#by.get(name) ?? new Set();
      this.#by.set(name, those);
      for (const other of names) those.add(other);
    }
  }

  of(name) {
    return [...(this.#by.get(name) ?? [])];
  }
}

/** A private field is named with its class. */
const privateName = (declaration) => `${declaration.parent.name.text}${declaration.name.text}`;

/** All names of a type: its properties, and the private fields of its classes. */
function namesOf(type, checker) {
  const found = new Set(
    checker.getPropertiesOfType(checker.getNonNullableType(type)).map(({ name }) => name),
  );
  const look = (each) => {
    for (const declaration of each.symbol?.declarations ?? []) {
      if (!ts.isClassDeclaration(declaration)) continue;
      for (const member of declaration.members)
        if (member.name && ts.isPrivateIdentifier(member.name)) found.add(privateName(member));
    }
    for (const base of (each.isClassOrInterface() && checker.getBaseTypes(each)) || []) look(base);
  };
  look(type);
  return found;
}

/** What is renamed and where, what is not, and which names meet. */
function plan() {
  const files = readdirSync(SOURCE).map((name) => `${SOURCE}/${name}`);
  const config = ts.readConfigFile(`${SOURCE}/../tsconfig.json`, ts.sys.readFile).config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(config, `${SOURCE}/..`);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const exported = seen(checker, program);
  const sameness = new Sameness(checker, (declaration) => {
    const owner = declaration.parent;
    // What another package declares is read by that package, too.
    if (!declaration.getSourceFile().fileName.startsWith(`${SOURCE}/`)) return false;
    if (ts.isInterfaceDeclaration(owner)) return internal(owner);
    return ts.isClassDeclaration(owner) && (!exported.has(owner) || internal(declaration));
  });
  const neighbours = new Neighbours();
  const each = (visitor) => {
    for (const name of files) {
      const visit = (node) => {
        visitor(node, name);
        ts.forEachChild(node, visit);
      };
      visit(program.getSourceFile(name));
    }
  };
  each((node) => {
    sameness.look(node);
    const types = [];
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
      const bases = (node.heritageClauses ?? []).flatMap(({ types }) => [...types]);
      types.push(...[node, ...bases].map((one) => checker.getTypeAtLocation(one)));
    } else if (ts.isIntersectionTypeNode(node)) types.push(checker.getTypeAtLocation(node));
    else if (ts.isExpression(node)) {
      const wanted = checker.getContextualType(node);
      if (wanted) types.push(wanted, checker.getTypeAtLocation(node));
    }
    neighbours.meet(new Set(types.flatMap((type) => [...namesOf(type, checker)])));
  });
  const kept = new Set(LANGUAGE);
  const places = new Map();
  const put = (name, place) => places.set(name, [...(places.get(name) ?? []), place]);
  each((node, name) => {
    if (ts.isPrivateIdentifier(node)) {
      put(privateName(checker.getSymbolAtLocation(node).declarations[0]), { name, node });
    }
    for (const symbol of properties(node, checker)) {
      if (LANGUAGE.includes(node.text) || !sameness.ours(symbol)) kept.add(node.text);
      else put(node.text, { name, node });
    }
  });
  return { kept, places, neighbours };
}

/** The edits of each file. */
export function edits() {
  const { kept, places, neighbours } = plan();
  const two = [...LETTERS].flatMap((one) => [...LETTERS].map((other) => one + other));
  const free = [...LETTERS, ...two].filter((name) => !kept.has(name));
  const found = new Map();
  const shorts = new Map();
  const often = [...places].sort(
    ([one, ones], [other, others]) => others.length - ones.length || (one < other ? -1 : 1),
  );
  for (const [name, those] of often) {
    const taken = new Set(neighbours.of(name).map((other) => shorts.get(other)));
    const short = free.find((one) => !taken.has(one));
    shorts.set(name, short);
    for (const { name: file, node } of those) {
      const { parent } = node;
      const shorthand =
        ts.isShorthandPropertyAssignment(parent) ||
        (ts.isBindingElement(parent) && parent.propertyName === undefined);
      const text = shorthand ? `${short}: ${node.text}` : short;
      found.set(file, [...(found.get(file) ?? []), { from: node.getStart(), to: node.getEnd(), text }]);
    }
  }
  return { found, names: often.map(([name]) => name) };
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
