/**
 * Turns modules of the store into ones whose threads can be switched by a scheduler: part of the
 * deterministic simulation (program.ts loads what this makes, scheduler.ts runs it).
 *
 * The TypeScript is stripped by Bun, the JavaScript parsed by acorn (small, without dependencies,
 * maintained for ten years, and all that is needed is a tree with positions), and printed again
 * from its own text with these changes:
 *
 *   Atomics.add(…)   ->  ($.point() && (yield 0), Atomics.add(…))   a switch point before it
 *   Atomics.wait(…)  ->  (yield* $.wait(…))                         gives way to other threads
 *   view[i]          ->  the same with a switch point before it     only when `fine`; stores too
 *   a.copy(…)        ->  (yield* $.copy(a, …))                      only when `fine`: in pieces
 *   function f       ->  function* f, and its calls yield* f(…)     if it reaches a switch point
 *   new C(…)         ->  (yield* $.construct(C, […]))               if its constructor does
 *   writeSync(…)     ->  the same with a switch point before it     what changes files: FILE_POINTS
 *   import, export   ->  $import(…), return { … }
 *
 * Which functions reach a switch point is found by following the calls through all modules. What is
 * called by a value (a parameter, a conditional) goes through $.run, which takes generators and
 * plain results alike. Arrow functions stay as they are, except those given to forEach, and those
 * that reach a switch point and are given to a function that may be a generator. Async functions
 * stay as they are: threads of the simulation do not call them.
 */
import { type Node, parse } from "acorn";

/** A node with whatever fields its type has. */
type Tree = Node & { [field: string]: unknown };

/** Shared views by the names that the store gives them: `view[i]` and `memory.control[i]`. */
const SHARED_NAMES = new Set(
  "view words control doubles stored shared page target last bytes before times".split(" "),
);
/** Of node:fs: what changes files or makes them durable. */
const FILE_POINTS = new Set(
  "openSync writeSync fdatasyncSync fsyncSync renameSync rmSync".split(" "),
);
/** Arrays of shared views: `memory.words[slot][i]`. */
const SHARED_TABLES = new Set("words doubles bytes shards".split(" "));

export interface SourceModule {
  readonly path: string;
  readonly source: string;
}

interface Parsed {
  readonly path: string;
  readonly text: string;
  readonly tree: Tree;
  /** Local name of each import: module and name there. */
  readonly imports: Map<string, { from: string; name: string }>;
  /** Functions at the top; methods as ".name", constructors as "new Class". */
  readonly functions: Map<string, Tree>;
  /** The names of these functions. */
  readonly names: Map<Tree, string>;
  readonly exports: string[];
}

/** Strips types and parses. */
function parseModule({ path, source }: SourceModule): Parsed {
  const transpiler = new Bun.Transpiler({ loader: "ts", target: "bun", inline: false });
  const text = transpiler.transformSync(source);
  const tree = parse(text, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Tree;
  const parsed: Parsed = {
    path,
    text,
    tree,
    imports: new Map(),
    functions: new Map(),
    names: new Map(),
    exports: [],
  };
  for (const statement of tree.body as Tree[]) declare(parsed, statement);
  for (const [name, node] of parsed.functions) parsed.names.set(node, name);
  return parsed;
}

function declare(parsed: Parsed, statement: Tree): void {
  if (statement.type === "ImportDeclaration") {
    const from = (statement.source as Tree).value as string;
    for (const it of statement.specifiers as Tree[]) {
      parsed.imports.set(nameOf(it.local), { from, name: nameOf(it.imported) });
    }
  } else if (statement.type === "ExportNamedDeclaration") {
    if (statement.declaration !== null) {
      parsed.exports.push(...declaredNames(statement.declaration as Tree));
      declare(parsed, statement.declaration as Tree);
    } else if (statement.source === null) {
      for (const it of statement.specifiers as Tree[]) parsed.exports.push(nameOf(it.local));
    }
  } else if (statement.type === "FunctionDeclaration" && statement.async !== true) {
    parsed.functions.set(nameOf(statement.id), statement);
  } else if (statement.type === "ClassDeclaration") {
    for (const member of (statement.body as Tree).body as Tree[]) {
      if (member.type !== "MethodDefinition" || (member.value as Tree).async === true) continue;
      if (member.kind === "method") parsed.functions.set(methodName(member.key as Tree), member);
      if (member.kind === "constructor") {
        parsed.functions.set(`new ${nameOf(statement.id)}`, member);
      }
    }
  }
}

function declaredNames(declaration: Tree): string[] {
  if (declaration.type !== "VariableDeclaration") return [nameOf(declaration.id)];
  return (declaration.declarations as Tree[]).map((it) => nameOf(it.id));
}

function nameOf(node: unknown): string {
  return (node as { name: string }).name;
}

/** Methods share one space of names: the store has few classes. */
function methodName(key: Tree): string {
  return key.type === "PrivateIdentifier" ? `.#${nameOf(key)}` : `.${nameOf(key)}`;
}

function childrenOf(node: Tree): Tree[] {
  const found: Tree[] = [];
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && typeof item === "object" && typeof item.type === "string") {
        found.push(item as Tree);
      }
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

function isFunction(node: Tree): boolean {
  return /^(?:Arrow)?Function/.test(node.type);
}

/** An arrow function given to forEach, which can become a generator. */
function forEachCallback(node: Tree): Tree | undefined {
  if (node.type !== "CallExpression" || propertyOf(node.callee as Tree) !== "forEach") return;
  const callback = (node.arguments as Tree[])[0];
  return callback !== undefined && (callback.body as Tree)?.type === "BlockStatement"
    ? callback
    : undefined;
}

/**
 * Name of the property that a member expression takes; undefined for computed ones and everything
 * else.
 */
function propertyOf(node: Tree): string | undefined {
  if (node.type !== "MemberExpression" || node.computed === true) return undefined;
  const property = node.property as Tree;
  return property.type === "PrivateIdentifier" ? `#${nameOf(property)}` : nameOf(property);
}

function isAtomics(call: Tree): boolean {
  const callee = call.callee as Tree;
  return callee.type === "MemberExpression" && nameOf(callee.object) === "Atomics";
}

/** Whether the expression names a shared view. */
function isShared(node: Tree): boolean {
  if (node.type === "Identifier") return SHARED_NAMES.has(nameOf(node));
  if (node.type !== "MemberExpression") return false;
  if (node.computed === true) {
    return SHARED_TABLES.has(propertyOf(node.object as Tree) ?? "");
  }
  return propertyOf(node) === "control";
}

function isSharedElement(node: Tree): boolean {
  return (
    node.type === "MemberExpression" && node.computed === true && isShared(node.object as Tree)
  );
}

/**
 * How a call is made: by name into the modules, or by something that is only known when it runs.
 */
type Target = { function: string } | "unknown" | "plain";

export class Transformer {
  readonly #modules = new Map<string, Parsed>();
  readonly #isFine: (path: string) => boolean;
  /** Arrow functions that become generators. */
  readonly #bound = new Set<Tree>();
  /** "path name" of every function that reaches a switch point, and "path .name" of methods. */
  readonly #yielding = new Set<string>();
  /** Names of such methods, whatever their class. */
  readonly #methods = new Set<string>();

  /**
   * `isFine`: in which modules plain loads and stores of shared views are switch points too.
   * `switches` false: there are no switch points at all, functions stay plain.
   */
  constructor(
    sources: readonly SourceModule[],
    isFine: (path: string) => boolean,
    switches = true,
  ) {
    this.#isFine = isFine;
    for (const source of sources) this.#modules.set(source.path, parseModule(source));
    if (switches) this.#findYielding();
  }

  #findYielding(): void {
    for (let grown = true; grown; ) {
      grown = false;
      for (const module of this.#modules.values()) {
        for (const [name, node] of module.functions) {
          const key = `${module.path} ${name}`;
          if (this.#yielding.has(key) || !this.#reaches(module, node)) continue;
          this.#yielding.add(key);
          if (name.startsWith(".")) this.#methods.add(name);
          grown = true;
        }
      }
    }
  }

  /**
   * Whether anything inside the node, outside of functions of its own, is or calls a switch point.
   */
  #reaches(module: Parsed, node: Tree): boolean {
    const callback = forEachCallback(node);
    if (callback !== undefined && this.#reaches(module, callback.body as Tree)) return true;
    if (this.#isPoint(module, node)) return true;
    if (node.type === "NewExpression" && this.#constructs(module, node)) return true;
    if (node.type === "CallExpression") {
      const target = this.#target(module, node);
      if (target === "unknown") return true;
      if (target !== "plain" && this.#yielding.has(target.function)) return true;
    }
    return childrenOf(node).some((child) => {
      const isOwn = isFunction(child) && node.type !== "MethodDefinition";
      return !isOwn && this.#reaches(module, child);
    });
  }

  #isPoint(module: Parsed, node: Tree): boolean {
    if (node.type === "CallExpression" && isAtomics(node)) return true;
    if (isFilePoint(module, node)) return true;
    if (!this.#isFine(module.path)) return false;
    return isSharedElement(node) || this.#pieceCall(module, node) !== undefined;
  }

  /** Whether the constructor of a `new` expression reaches a switch point. */
  #constructs(module: Parsed, node: Tree): boolean {
    const callee = node.callee as Tree;
    if (callee.type !== "Identifier") return false;
    const imported = module.imports.get(nameOf(callee));
    const key =
      imported === undefined
        ? `${module.path} new ${nameOf(callee)}`
        : `${imported.from} new ${imported.name}`;
    return this.#yielding.has(key);
  }

  /** The helper that makes a native copy in pieces. */
  #pieceCall(module: Parsed, node: Tree): string | undefined {
    if (!this.#isFine(module.path) || node.type !== "CallExpression") return undefined;
    const name = propertyOf(node.callee as Tree) ?? "";
    const count = (node.arguments as Tree[]).length;
    if (name === "copy" && count >= 3) return "copy";
    if (name === "append" && count === 3) return "append";
    return name === "fill" && count === 3 ? "fill" : undefined;
  }

  #target(module: Parsed, call: Tree): Target {
    const callee = call.callee as Tree;
    if (callee.type === "Identifier") return this.#namedTarget(module, nameOf(callee));
    if (callee.type === "ConditionalExpression") return "unknown";
    const property = propertyOf(callee);
    if (property === undefined || isAtomics(call)) return "plain";
    if (!this.#methods.has(`.${property}`)) return "plain";
    const isOwn = (callee.object as Tree).type === "ThisExpression";
    return isOwn ? { function: `${module.path} .${property}` } : "unknown";
  }

  #namedTarget(module: Parsed, name: string): Target {
    if (module.functions.has(name)) return { function: `${module.path} ${name}` };
    const imported = module.imports.get(name);
    if (imported !== undefined) {
      const path = this.#resolve(imported.from);
      return path === undefined ? "plain" : { function: `${path} ${imported.name}` };
    }
    return name in globalThis || name === "Buffer" ? "plain" : "unknown";
  }

  /** Path of a transformed module, undefined for one that is used as it is. */
  #resolve(from: string): string | undefined {
    return this.#modules.has(from) ? from : undefined;
  }

  /** The module as the body of a function ($, $import) that returns its exports. */
  print(path: string): string {
    const module = this.#modules.get(path) as Parsed;
    const body = this.#render(module, module.tree, false);
    return `"use strict";\n${body}\nreturn { ${module.exports.join(", ")} };`;
  }

  /**
   * Text of a node with everything inside it changed. `inside`: the function around it is a
   * generator.
   */
  #render(module: Parsed, node: Tree, inside: boolean): string {
    const callback = inside ? forEachCallback(node) : undefined;
    if (callback !== undefined && this.#reaches(module, callback.body as Tree)) {
      return this.#renderForEach(module, node, callback);
    }
    if (this.#bound.has(node)) return this.#renderBound(module, node);
    if (inside && node.type === "CallExpression") this.#bindArrows(module, node);
    const isYielding = isFunction(node) ? false : inside;
    const within = this.#isGenerator(module, node) || isYielding;
    const text = this.#renderChildren(module, node, within);
    if (!within) return this.#renderDeclaration(node, text);
    if (this.#isGenerator(module, node)) return generatorHead(node, text);
    return this.#renderExpression(module, node, text);
  }

  #isGenerator(module: Parsed, node: Tree): boolean {
    const name = module.names.get(node);
    return name !== undefined && this.#yielding.has(`${module.path} ${name}`);
  }

  /** Finds the arguments of a call that must become generators: it may be one that runs them. */
  #bindArrows(module: Parsed, call: Tree): void {
    if (this.#target(module, call) === "plain" || isAtomics(call)) return;
    for (const argument of call.arguments as Tree[]) {
      if (argument.type !== "ArrowFunctionExpression") continue;
      if (this.#reaches(module, argument.body as Tree)) this.#bound.add(argument);
    }
  }

  #renderBound(module: Parsed, arrow: Tree): string {
    const params = (arrow.params as Tree[]).map((it) => module.text.slice(it.start, it.end));
    const body = this.#render(module, arrow.body as Tree, true);
    const block = arrow.expression === true ? `{ return ${body}; }` : body;
    return `(function* (${params.join(", ")}) ${block}).bind(this)`;
  }

  #renderChildren(module: Parsed, node: Tree, inside: boolean): string {
    const { text } = module;
    let out = "";
    let at = node.start;
    for (const child of childrenOf(node)) {
      // The two halves of a shorthand property are the same text.
      if (child.start < at) continue;
      out += text.slice(at, child.start);
      const isTarget = node.type === "AssignmentExpression" && child === node.left;
      const isMethod = node.type === "MethodDefinition" && isFunction(child);
      if (isTarget || isMethod) out += this.#renderChildren(module, child, inside);
      else out += this.#render(module, child, inside);
      at = child.end;
    }
    return out + text.slice(at, node.end);
  }

  /** Imports and exports; everything else as it is. */
  #renderDeclaration(node: Tree, text: string): string {
    if (node.type === "ImportDeclaration") {
      const names = (node.specifiers as Tree[]).map(
        (it) => `${nameOf(it.imported)}: ${nameOf(it.local)}`,
      );
      return `const { ${names.join(", ")} } = $import(${(node.source as Tree).raw});`;
    }
    if (node.type !== "ExportNamedDeclaration") return text;
    return node.declaration === null ? "" : text.replace(/^export /, "");
  }

  #renderExpression(module: Parsed, node: Tree, text: string): string {
    if (node.type === "CallExpression") return this.#renderCall(module, node, text);
    if (node.type === "NewExpression" && this.#constructs(module, node)) {
      const given = this.#renderArguments(module, node);
      return `(yield* $.construct(${nameOf(node.callee)}, [${given}]))`;
    }
    const isStore = node.type === "AssignmentExpression" && isSharedElement(node.left as Tree);
    const isAccess = isStore || isSharedElement(node);
    if (isAccess && this.#isFine(module.path)) return point(text);
    return text;
  }

  #renderCall(module: Parsed, node: Tree, text: string): string {
    const pieces = this.#pieceCall(module, node);
    if (pieces !== undefined) {
      const callee = node.callee as Tree;
      const receiver = this.#render(module, callee.object as Tree, true);
      return `(yield* $.${pieces}(${receiver}, ${this.#renderArguments(module, node)}))`;
    }
    if (isAtomics(node)) {
      if (propertyOf(node.callee as Tree) !== "wait") return point(text);
      return `(yield* $.wait(${this.#renderArguments(module, node)}))`;
    }
    if (isFilePoint(module, node)) return point(text);
    const target = this.#target(module, node);
    if (target === "plain") return text;
    if (target === "unknown") return `(yield* $.run(${text}))`;
    return this.#yielding.has(target.function) ? `(yield* ${text})` : text;
  }

  #renderArguments(module: Parsed, node: Tree): string {
    return (node.arguments as Tree[]).map((it) => this.#render(module, it, true)).join(", ");
  }

  #renderForEach(module: Parsed, node: Tree, callback: Tree): string {
    const receiver = this.#render(module, (node.callee as Tree).object as Tree, true);
    const names = (callback.params as Tree[]).map(nameOf).join(", ");
    const body = this.#render(module, callback.body as Tree, true);
    return `(yield* $.forEach(${receiver}, function* (${names}) ${body}))`;
  }
}

function isFilePoint(module: Parsed, node: Tree): boolean {
  if (node.type !== "CallExpression") return false;
  const callee = node.callee as Tree;
  if (callee.type !== "Identifier") return false;
  const imported = module.imports.get(nameOf(callee));
  return imported?.from === "node:fs" && FILE_POINTS.has(imported.name);
}

function generatorHead(node: Tree, text: string): string {
  if (node.type !== "MethodDefinition") return text.replace(/^function /, "function* ");
  if (node.kind === "constructor") return text.replace(/^constructor/, "*$construct");
  return node.static === true ? text.replace(/^static /, "static *") : `*${text}`;
}

/** The expression with a switch point before it. */
function point(text: string): string {
  return `($.point() && (yield 0), ${text})`;
}
