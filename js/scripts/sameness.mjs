// Which properties are one. Two of the same name are, if an object that has the one may be read as what has the other:
// it is given where the other is wanted, or extends it. What is given where anything is taken (`any`, `unknown`) is
// read nobody knows how, and belongs to nobody here.

import ts from "typescript";

const ANYTHING = ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.NonPrimitive;
const DEEPEST = 8;

/** What is only taken apart is given nowhere. */
const takenApart = ({ parent }) =>
  ts.isNonNullExpression(parent)
    ? takenApart(parent)
    : ts.isVariableDeclaration(parent) && !ts.isIdentifier(parent.name) && !parent.type;

/** Properties by their declarations, and which of them are one. `ours`: whether a declaration may be renamed at all. */
export class Sameness {
  #checker;
  #ours;
  #parents = new Map();
  #outside = new Set();
  #looked = new Map();

  constructor(checker, ours) {
    this.#checker = checker;
    this.#ours = ours;
  }

  /** Whether all that is one with it is ours. */
  ours(symbol) {
    const declaration = this.#declaration(symbol);
    return declaration !== undefined && !this.#outside.has(this.#root(declaration));
  }

  /** Look at what this node gives, and where. */
  look(node) {
    const checker = this.#checker;
    const typeOf = (each) => checker.getTypeAtLocation(each);
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
      for (const { types } of node.heritageClauses ?? [])
        for (const base of types) this.#given(typeOf(node), typeOf(base));
    }
    if (!ts.isExpression(node)) return;
    const wanted = checker.getContextualType(node);
    if (wanted && !takenApart(node)) this.#given(typeOf(node), wanted);
    if (ts.isAsExpression(node)) this.#given(typeOf(node.expression), typeOf(node));
    else if (ts.isElementAccessExpression(node))
      this.#keyed(typeOf(node.expression), typeOf(node.argumentExpression));
    else if (ts.isCallExpression(node) && node.expression.getText() === "Object.assign") {
      const [target, ...sources] = node.arguments.map(typeOf);
      for (const source of sources) this.#given(source, target);
    }
  }

  /** In an object that is written where one is wanted that has this: what is wanted says whose it is. */
  #follows(declaration) {
    const { parent, name } = declaration;
    // A name that is reckoned, as a symbol is, follows nobody: it is never made short.
    if (!ts.isObjectLiteralExpression(parent) || ts.isComputedPropertyName(name)) return false;
    const wanted = this.#checker.getContextualType(parent);
    const other =
      wanted && this.#checker.getPropertyOfType(this.#checker.getNonNullableType(wanted), name.text);
    // What is generic wants just what it is given.
    return other?.declarations?.includes(declaration) === false;
  }

  #declaration(symbol) {
    const [first, ...more] = symbol?.declarations ?? [];
    if (first && !this.#parents.has(first)) {
      this.#parents.set(first, first);
      if (![first, ...more].every((each) => this.#follows(each) || this.#ours(each)))
        this.#outside.add(first);
    }
    for (const other of more) this.#join(first, this.#declaration({ declarations: [other] }));
    return first;
  }

  #root(declaration) {
    let root = declaration;
    while (this.#parents.get(root) !== root) root = this.#parents.get(root);
    return root;
  }

  #join(one, other) {
    const [from, to] = [this.#root(one), this.#root(other)];
    if (from === to) return;
    this.#parents.set(from, to);
    if (this.#outside.has(from)) this.#outside.add(to);
  }

  #given(given, wanted, depth = 0) {
    if (!given || !wanted || given === wanted || depth > DEEPEST) return;
    if (given.isTypeParameter() || wanted.isTypeParameter()) {
      const [one, other] = [given, wanted].map((each) => this.#checker.getApparentType(each));
      if (one !== given || other !== wanted) this.#given(one, other, depth);
      return;
    }
    const looked = this.#looked.get(given) ?? new Set();
    if (looked.has(wanted)) return;
    this.#looked.set(given, looked.add(wanted));
    const checker = this.#checker;
    if (given.isUnion()) for (const each of given.types) this.#given(each, wanted, depth);
    else if (wanted.isUnion()) for (const each of wanted.types) this.#given(given, each, depth);
    else if (wanted.flags & ANYTHING) this.#lost(given, depth);
    else if (given.flags & ANYTHING) this.#lost(wanted, depth);
    else if (given.target && given.target === wanted.target) {
      const others = checker.getTypeArguments(wanted);
      for (const [at, each] of checker.getTypeArguments(given).entries())
        this.#given(each, others[at], depth + 1);
    } else {
      for (const other of checker.getPropertiesOfType(wanted)) {
        const one = checker.getPropertyOfType(given, other.name);
        if (!one) continue;
        const [here, there] = [this.#declaration(one), this.#declaration(other)];
        if (here && there) this.#join(here, there);
        else for (const each of [here, there]) if (each) this.#outside.add(this.#root(each));
        this.#given(checker.getTypeOfSymbol(one), checker.getTypeOfSymbol(other), depth + 1);
      }
      const [[call], [wantedCall]] = [given, wanted].map((each) => each.getCallSignatures());
      if (call && wantedCall) this.#called(call, wantedCall, depth + 1);
    }
  }

  #called(given, wanted, depth) {
    const checker = this.#checker;
    given.parameters.forEach((parameter, at) => {
      const other = wanted.parameters[at];
      if (other) this.#given(checker.getTypeOfSymbol(other), checker.getTypeOfSymbol(parameter), depth);
    });
    const told = wanted.getReturnType();
    if (!(told.flags & ts.TypeFlags.Void)) this.#given(given.getReturnType(), told, depth);
  }

  /** Nobody knows how it is read, or what it is made of. */
  #lost(type, depth = 0) {
    if (depth > DEEPEST || this.#looked.get(type)?.has(undefined)) return;
    this.#looked.set(type, (this.#looked.get(type) ?? new Set()).add(undefined));
    if (type.isUnion()) for (const each of type.types) this.#lost(each, depth);
    for (const each of type.target ? this.#checker.getTypeArguments(type) : []) this.#lost(each, depth + 1);
    if (!(type.flags & ts.TypeFlags.Object) && !type.isIntersection()) return;
    for (const symbol of this.#checker.getPropertiesOfType(type)) {
      const declaration = this.#declaration(symbol);
      if (!declaration || !this.#ours(declaration)) continue;
      this.#outside.add(this.#root(declaration));
      this.#lost(this.#checker.getTypeOfSymbol(symbol), depth + 1);
    }
  }

  /** Read by a name that is reckoned. */
  #keyed(type, key) {
    const names = (key.isUnion() ? key.types : [key]).filter((each) => each.isStringLiteral());
    for (const { value } of names) {
      const declaration = this.#declaration(this.#checker.getPropertyOfType(type, value));
      if (declaration) this.#outside.add(this.#root(declaration));
    }
    if (!names.length && key.flags & ts.TypeFlags.StringLike) this.#lost(type);
  }
}
