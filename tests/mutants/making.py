"""
The mistakes: one comparison, operator, constant, condition, result or statement is another one.

Decorators, annotations and texts stay as they are, but for texts of one word in a function: the
names that a module gives to its values are published, and held against what was published before.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NOT_LOOKED_INTO = {"annotation", "returns", "decorator_list", "type_comment"}
Slot = tuple[ast.AST, str, int | None]


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake, in these lines."""

    source: Path
    first_line: int
    last_line: int
    tree: str
    code: CodeType

    def diff(self) -> str:
        """The lines that differ, as a formatter without taste would write them."""
        before = ast.unparse(ast.parse(self.source.read_text())).splitlines()
        changed = difflib.unified_diff(before, self.tree.splitlines(), n=0, lineterm="")
        lines = [line for line in changed if not line.startswith(("---", "+++", "@@"))]
        return "\n".join([f"{self.source}:{self.first_line}", *lines])


def original(source: Path) -> CodeType:
    """What the module is without a mistake."""
    return _compiled(ast.parse(source.read_text()), source)


def mutants(source: Path) -> Iterator[Mutant]:
    """A module with each of the mistakes, one after another."""
    tree = ast.parse(source.read_text())
    for slot in list(_slots(tree)):
        node = _get(slot)
        for other in _others(node):
            _set(slot, ast.fix_missing_locations(ast.copy_location(other, node)))
            yield Mutant(
                source,
                node.lineno,
                node.end_lineno or node.lineno,
                ast.unparse(tree),
                _compiled(tree, source),
            )
            _set(slot, node)


def _compiled(tree: ast.Module, source: Path) -> CodeType:
    code: CodeType = compile(tree, str(source.resolve()), "exec", dont_inherit=True)
    return code


def _slots(node: ast.AST, in_function: bool = False) -> Iterator[Slot]:
    """Where in the tree something stands that can be another: its parent, the field, the place."""
    if isinstance(node, ast.JoinedStr):
        return
    in_function |= isinstance(node, ast.FunctionDef)
    for field, value in ast.iter_fields(node):
        if field in NOT_LOOKED_INTO:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for place, child in children:
            if isinstance(child, ast.expr | ast.stmt) and (in_function or not _is_text(child)):
                yield node, field, place
            if isinstance(child, ast.AST):
                yield from _slots(child, in_function)


def _get(slot: Slot) -> ast.expr | ast.stmt:
    parent, field, place = slot
    value = getattr(parent, field)
    found: ast.expr | ast.stmt = value if place is None else value[place]
    return found


def _set(slot: Slot, node: ast.AST) -> None:
    parent, field, place = slot
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def _others(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op], left=left, comparators=comparators):
            yield ast.Compare(left, [OTHER_COMPARISON[type(op)]()], comparators)
        case ast.Compare(ops=ops, left=left, comparators=comparators):
            for place, op in enumerate(ops):
                other = OTHER_COMPARISON[type(op)]()
                yield ast.Compare(left, [*ops[:place], other, *ops[place + 1 :]], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHER_OPERATOR:
            yield ast.BinOp(left, OTHER_OPERATOR[type(op)](), right)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from _other_constants(value)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(_opposite(test), body, orelse)
        case ast.stmt():
            yield from _other_statements(node)


def _other_constants(value: object) -> Iterator[ast.AST]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
        case str() if value and not any(sign.isspace() for sign in value):
            yield ast.Constant(value + "_")


def _other_statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(_opposite(test), body, orelse)
        case ast.Return(value=value) if not _is_nothing(value):
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign(target=target, op=op, value=value):
            if type(op) in OTHER_OPERATOR:
                yield ast.AugAssign(target, OTHER_OPERATOR[type(op)](), value)
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]):
            yield ast.Pass()
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Break() | ast.Continue():
            yield ast.Pass()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _opposite(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
