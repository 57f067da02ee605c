import ts from 'typescript';

/** One small change of the code. `text` is the whole node as it would then be. */
export interface Change {
  readonly operator: Operator;
  readonly text: string;
}

export type Operator =
  | 'boundary'
  | 'comparison'
  | 'condition'
  | 'operand'
  | 'boolean'
  | 'arithmetic'
  | 'statement'
  | 'return'
  | 'optional'
  | 'fallback'
  | 'array'
  | 'spread'
  | 'call';

/** `<` and `<=`: the very limit. */
const BOUNDARY: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.LessThanToken]: '<=',
  [ts.SyntaxKind.LessThanEqualsToken]: '<',
  [ts.SyntaxKind.GreaterThanToken]: '>=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '>',
};
const NEGATED: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.LessThanToken]: '>=',
  [ts.SyntaxKind.LessThanEqualsToken]: '>',
  [ts.SyntaxKind.GreaterThanToken]: '<=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '<',
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: '===',
};
const ARITHMETIC: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.PlusToken]: '-',
  [ts.SyntaxKind.MinusToken]: '+',
  [ts.SyntaxKind.AsteriskToken]: '/',
  [ts.SyntaxKind.SlashToken]: '*',
  [ts.SyntaxKind.PercentToken]: '*',
  [ts.SyntaxKind.PlusEqualsToken]: '-=',
  [ts.SyntaxKind.MinusEqualsToken]: '+=',
};
/** Methods whose call is replaced by another, or left out where that is null. */
const METHODS: Readonly<Record<string, string | null>> = {
  ...{ every: 'some', some: 'every', min: 'max', max: 'min', startsWith: 'endsWith', floor: 'ceil', ceil: 'floor' },
  ...{ filter: null, sort: null, toSorted: null, reverse: null, slice: null, trim: null, toLowerCase: null },
};

const CONSTANTS: Partial<Record<ts.SyntaxKind, string[]>> = {
  [ts.SyntaxKind.BooleanKeyword]: ['true', 'false'],
  [ts.SyntaxKind.NumberKeyword]: ['0'],
  [ts.SyntaxKind.StringKeyword]: ["''"],
};

/** Every change of an expression that is tried. */
export function changesOf(node: ts.Expression, file: ts.SourceFile): Change[] {
  const text = (of: ts.Node): string => of.getText(file);
  const spliced = (part: ts.Node, by: string): string =>
    file.text.slice(node.getStart(file), part.getStart(file)) + by + file.text.slice(part.end, node.end);
  const now = text(node);
  const changes: Change[] = [];
  const add = (operator: Operator, ...texts: string[]): void =>
    void changes.push(...texts.filter((changed) => changed !== now).map((changed) => ({ operator, text: changed })));
  // A loop without an end proves nothing more than one without a turn.
  if (isCondition(node)) add('condition', 'false', ...(ts.isWhileStatement(node.parent) ? [] : ['true']));
  if (ts.isBinaryExpression(node)) {
    const { operatorToken, left, right } = node;
    const kind = operatorToken.kind;
    if (BOUNDARY[kind] !== undefined) add('boundary', spliced(operatorToken, BOUNDARY[kind]));
    if (NEGATED[kind] !== undefined && !isCondition(node)) add('comparison', spliced(operatorToken, NEGATED[kind]));
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken)
      add('operand', text(left), text(right));
    if (kind === ts.SyntaxKind.QuestionQuestionToken) add('fallback', text(left), text(right));
    if (ARITHMETIC[kind] !== undefined && !isText(left) && !isText(right))
      add('arithmetic', spliced(operatorToken, ARITHMETIC[kind]));
  } else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken && !isCondition(node)) add('boolean', text(node.operand));
    if (node.operator === ts.SyntaxKind.MinusToken) add('arithmetic', text(node.operand));
    if (node.operator === ts.SyntaxKind.PlusPlusToken) add('arithmetic', `--${text(node.operand)}`);
    if (node.operator === ts.SyntaxKind.MinusMinusToken) add('arithmetic', `++${text(node.operand)}`);
  } else if (ts.isPostfixUnaryExpression(node) && !ts.isForStatement(node.parent)) {
    add('arithmetic', `${text(node.operand)}${node.operator === ts.SyntaxKind.PlusPlusToken ? '--' : '++'}`);
  } else if (node.kind === ts.SyntaxKind.TrueKeyword && !isCondition(node)) add('boolean', 'false');
  else if (node.kind === ts.SyntaxKind.FalseKeyword && !isCondition(node)) add('boolean', 'true');
  else if (ts.isArrayLiteralExpression(node)) {
    if (node.elements.length > 0 && !isTarget(node)) add('array', '[]');
    if (node.elements.length > 1)
      add('spread', ...node.elements.filter(ts.isSpreadElement).map((one) => spliced(one, '...[]')));
  } else if (ts.isObjectLiteralExpression(node)) {
    add('spread', ...node.properties.filter(ts.isSpreadAssignment).map((one) => spliced(one, '...{}')));
  } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    const other = Object.hasOwn(METHODS, name.text) ? METHODS[name.text] : undefined;
    if (typeof other === 'string') add('call', spliced(name, other));
    // Of `Math.floor` and the like the receiver is no value.
    else if (other === null) add('call', text(expression));
  }
  if (isWholeChain(node)) for (const dot of dotsIn(node)) add('optional', spliced(dot.token, dot.by));
  return changes;
}

/** What a statement may be replaced by: nothing, or a constant that is returned. */
export function changesOfStatement(node: ts.Statement, file: ts.SourceFile): Change[] {
  if (ts.isExpressionStatement(node)) {
    if (isOnlyBranch(node) || isLogged(node.expression)) return [];
    if (ts.isStringLiteral(node.expression) || isSuperCall(node.expression)) return [];
    return [{ operator: 'statement', text: ';' }];
  }
  if (ts.isThrowStatement(node) && !isOnlyBranch(node) && !isLastOfFunction(node))
    return [{ operator: 'statement', text: ';' }];
  if (!ts.isReturnStatement(node) || node.expression === undefined) return [];
  const now = node.expression.getText(file);
  return constantsOf(returnTypeAround(node))
    .filter((constant) => constant !== now)
    .map((constant) => ({ operator: 'return', text: `return ${constant};` }));
}

function constantsOf(type: ts.TypeNode | undefined): string[] {
  if (type === undefined) return [];
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(constantsOf).filter((each) => each === 'null');
  if (ts.isTypeOperatorNode(type)) return constantsOf(type.type);
  if (ts.isArrayTypeNode(type)) return ['[]'];
  if (ts.isLiteralTypeNode(type) && type.literal.kind === ts.SyntaxKind.NullKeyword) return ['null'];
  if (ts.isTypePredicateNode(type)) return type.assertsModifier === undefined ? ['true', 'false'] : [];
  return CONSTANTS[type.kind] ?? [];
}

function returnTypeAround(node: ts.Node): ts.TypeNode | undefined {
  let around = node.parent;
  while (!ts.isFunctionLike(around) && !ts.isSourceFile(around)) around = around.parent;
  return ts.isFunctionLike(around) ? around.type : undefined;
}

/** What decides between two ways. */
function isCondition(node: ts.Expression): boolean {
  const { parent } = node;
  return (
    ((ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node) ||
    (ts.isConditionalExpression(parent) && parent.condition === node)
  );
}

/** Left out, it is as if its condition were false, which is tried as that. */
function isOnlyBranch(node: ts.Statement): boolean {
  const block = ts.isBlock(node.parent) && node.parent.statements.length === 1 ? node.parent : node;
  const { parent } = block;
  return ts.isIfStatement(parent) && parent.elseStatement === undefined && parent.thenStatement === block;
}

/** Without it the function would return undefined against its type: nothing more is said by that than by a crash. */
function isLastOfFunction(node: ts.Statement): boolean {
  return ts.isBlock(node.parent) && ts.isFunctionLike(node.parent.parent) && node.parent.statements.length === 1;
}

/** What is written to the log guards nothing, and messages are for people. */
export function isLogged(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { expression } = node.expression;
  const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  return ts.isIdentifier(name) && name.text === 'log';
}

function isSuperCall(node: ts.Expression): boolean {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword;
}

function isText(node: ts.Expression): boolean {
  if (ts.isBinaryExpression(node)) return isText(node.left) || isText(node.right);
  return ts.isStringLiteral(node) || ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node);
}

/** `[a, b] = …` */
function isTarget(node: ts.Expression): boolean {
  const { parent } = node;
  return (
    (ts.isBinaryExpression(parent) &&
      parent.left === node &&
      parent.operatorToken.kind === ts.SyntaxKind.EqualsToken) ||
    (ts.isForOfStatement(parent) && parent.initializer === node)
  );
}

function isWholeChain(node: ts.Expression): boolean {
  return ts.isOptionalChain(node) && !isLinkOf(node, node.parent);
}

/** Whether the chain goes on in the node above. */
export function isLinkOf(node: ts.Node, above: ts.Node): boolean {
  return ts.isOptionalChain(above) && above.expression === node;
}

/** The `?.` of a chain, of the chain itself and not of what stands in its brackets. */
function dotsIn(chain: ts.Expression): { readonly token: ts.Node; readonly by: string }[] {
  const dots: { token: ts.Node; by: string }[] = [];
  let at: ts.Expression = chain;
  while (ts.isOptionalChain(at)) {
    if (!ts.isNonNullExpression(at) && at.questionDotToken !== undefined)
      dots.push({ token: at.questionDotToken, by: ts.isPropertyAccessExpression(at) ? '.' : '' });
    at = at.expression;
  }
  return dots;
}
