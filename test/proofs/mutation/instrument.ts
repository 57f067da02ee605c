import ts from 'typescript';
import { type Change, changesOf, changesOfStatement, isLinkOf, isLogged, type Operator } from './operators';

export interface Mutant {
  /** Within its file. */
  readonly index: number;
  readonly line: number;
  readonly operator: Operator;
  readonly before: string;
  readonly after: string;
  /** The outermost function, class or constant that it is in: its name and its text. */
  readonly declaration: string;
  readonly around: string;
}

export interface Instrumented {
  readonly text: string;
  readonly mutants: readonly Mutant[];
}

/**
 * Puts every mutant of a file into it at once, each behind `__mutant(number)`, which tells whether it is the one to be tried.
 * @param first number of the first mutant
 */
export function instrument(name: string, text: string, first: number): Instrumented {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const mutants: Mutant[] = [];
  const note = (node: ts.Node, { operator, text: after }: Change): number => {
    const outermost = outermostAround(node);
    mutants.push({
      index: mutants.length,
      line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
      operator,
      before: short(node.getText(file)),
      after: short(after),
      declaration: nameOf(outermost),
      around: outermost.getText(file),
    });
    return first + mutants.length - 1;
  };
  const inside = (node: ts.Node): string => {
    let out = '';
    let position = node.getStart(file);
    ts.forEachChild(node, (child) => {
      out += text.slice(position, child.getStart(file)) + render(child);
      position = child.end;
    });
    return out + text.slice(position, node.end);
  };
  const render = (node: ts.Node): string => {
    if (isOnlyType(node) || isLogged(node)) return node.getText(file);
    const whole = inside(node);
    if (ts.isStatement(node)) return withStatement(node, whole);
    if (!isValue(node)) return whole;
    const changes = changesOf(node, file);
    if (changes.length === 0) return whole;
    const tried = changes.map((change) => `__mutant(${note(node, change)})?(${change.text}):`);
    return `(${tried.join('')}(${whole}))`;
  };
  const withStatement = (node: ts.Statement, whole: string): string => {
    const changes = changesOfStatement(node, file);
    if (changes.length === 0) return whole;
    const tried = changes.map((change) => `if(__mutant(${note(node, change)})){${change.text}}else `);
    return `{${tried.join('')}{${whole}}}`;
  };
  // A constant of the module: to look at a global costs much in a test's realm. On the first line, so that lines stay what they are.
  const rendered = `const __mutant=globalThis.__mutant;${text.slice(0, file.getStart())}${inside(file)}${text.slice(file.end)}`;
  return { text: rendered, mutants };
}

/** What is gone when the types are. */
function isOnlyType(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

/** An expression that has a value of its own; not one that is assigned to, or part of a chain. */
function isValue(node: ts.Node): node is ts.Expression {
  const { parent } = node;
  if (!ts.isExpression(node) || isLinkOf(node, parent)) return false;
  return !(ts.isBinaryExpression(parent) && parent.left === node && isAssignment(parent));
}

function isAssignment({ operatorToken: { kind } }: ts.BinaryExpression): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function outermostAround(node: ts.Node): ts.Node {
  let at = node;
  while (!ts.isSourceFile(at.parent)) {
    // A method stands for itself: a class is too much to read again after each change.
    if (ts.isClassElement(at)) return at;
    at = at.parent;
  }
  return at;
}

function nameOf(node: ts.Node): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText()).join();
  const { name } = node as { readonly name?: ts.Node };
  return name?.getText() ?? '';
}

function short(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= 70 ? flat : `${flat.slice(0, 50)} … ${flat.slice(-17)}`;
}
