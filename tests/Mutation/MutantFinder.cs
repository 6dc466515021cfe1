using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Bulkhead.Mutation;

/// <summary>
/// Finds the mutants of a file: comparisons, arithmetic, boolean operators and constants, numbers, conditions, alternatives of <c>?:</c> and
/// <c>??</c>, queries, and statements that are left out.
/// </summary>
internal sealed class MutantFinder(string file) : CSharpSyntaxWalker
{
    private static readonly Dictionary<SyntaxKind, (SyntaxKind Kind, SyntaxKind Token)[]> _operators = new()
    {
        [SyntaxKind.EqualsExpression] = [(SyntaxKind.NotEqualsExpression, SyntaxKind.ExclamationEqualsToken)],
        [SyntaxKind.NotEqualsExpression] = [(SyntaxKind.EqualsExpression, SyntaxKind.EqualsEqualsToken)],
        [SyntaxKind.LessThanExpression] = [(SyntaxKind.LessThanOrEqualExpression, SyntaxKind.LessThanEqualsToken), (SyntaxKind.GreaterThanExpression, SyntaxKind.GreaterThanToken)],
        [SyntaxKind.LessThanOrEqualExpression] = [(SyntaxKind.LessThanExpression, SyntaxKind.LessThanToken), (SyntaxKind.GreaterThanExpression, SyntaxKind.GreaterThanToken)],
        [SyntaxKind.GreaterThanExpression] = [(SyntaxKind.GreaterThanOrEqualExpression, SyntaxKind.GreaterThanEqualsToken), (SyntaxKind.LessThanExpression, SyntaxKind.LessThanToken)],
        [SyntaxKind.GreaterThanOrEqualExpression] = [(SyntaxKind.GreaterThanExpression, SyntaxKind.GreaterThanToken), (SyntaxKind.LessThanExpression, SyntaxKind.LessThanToken)],
        [SyntaxKind.LogicalAndExpression] = [(SyntaxKind.LogicalOrExpression, SyntaxKind.BarBarToken)],
        [SyntaxKind.LogicalOrExpression] = [(SyntaxKind.LogicalAndExpression, SyntaxKind.AmpersandAmpersandToken)],
        [SyntaxKind.AddExpression] = [(SyntaxKind.SubtractExpression, SyntaxKind.MinusToken)],
        [SyntaxKind.SubtractExpression] = [(SyntaxKind.AddExpression, SyntaxKind.PlusToken)],
        [SyntaxKind.MultiplyExpression] = [(SyntaxKind.AddExpression, SyntaxKind.PlusToken)],
        [SyntaxKind.BitwiseAndExpression] = [(SyntaxKind.BitwiseOrExpression, SyntaxKind.BarToken)],
        [SyntaxKind.BitwiseOrExpression] = [(SyntaxKind.BitwiseAndExpression, SyntaxKind.AmpersandToken)],
        [SyntaxKind.LeftShiftExpression] = [(SyntaxKind.RightShiftExpression, SyntaxKind.GreaterThanGreaterThanToken)],
        [SyntaxKind.RightShiftExpression] = [(SyntaxKind.LeftShiftExpression, SyntaxKind.LessThanLessThanToken)],
    };

    private static readonly Dictionary<string, string> _queries = new()
    {
        ["Any"] = "All", ["All"] = "Any", ["Min"] = "Max", ["Max"] = "Min", ["Skip"] = "Take", ["Take"] = "Skip", ["First"] = "Last", ["Except"] = "Intersect", ["Intersect"] = "Except",
    };

    private readonly List<Mutant> _mutants = [];

    public static IReadOnlyList<Mutant> Find(string file, SyntaxNode root)
    {
        var finder = new MutantFinder(file);
        finder.Visit(root);
        return finder._mutants;
    }

    public override void VisitBinaryExpression(BinaryExpressionSyntax node)
    {
        foreach (var (kind, token) in _operators.GetValueOrDefault(node.Kind(), []))
        {
            Add(node, BinaryExpression(kind, node.Left, Token(token).WithTriviaFrom(node.OperatorToken), node.Right));
        }

        if (node.IsKind(SyntaxKind.CoalesceExpression))
        {
            Add(node, node.Right);
        }

        base.VisitBinaryExpression(node);
    }

    public override void VisitPrefixUnaryExpression(PrefixUnaryExpressionSyntax node)
    {
        if (node.Kind() is SyntaxKind.LogicalNotExpression or SyntaxKind.UnaryMinusExpression or SyntaxKind.BitwiseNotExpression)
        {
            Add(node, node.Operand);
        }

        base.VisitPrefixUnaryExpression(node);
    }

    public override void VisitLiteralExpression(LiteralExpressionSyntax node)
    {
        if (node.IsKind(SyntaxKind.TrueLiteralExpression))
        {
            Add(node, LiteralExpression(SyntaxKind.FalseLiteralExpression));
        }
        else if (node.IsKind(SyntaxKind.FalseLiteralExpression))
        {
            Add(node, LiteralExpression(SyntaxKind.TrueLiteralExpression));
        }
        else if (node.Token.Value is int number)
        {
            Add(node, ParseExpression((number + 1).ToString(CultureInfo.InvariantCulture)));
        }
    }

    public override void VisitConditionalExpression(ConditionalExpressionSyntax node)
    {
        Add(node, node.WithWhenTrue(node.WhenFalse).WithWhenFalse(node.WhenTrue));
        base.VisitConditionalExpression(node);
    }

    public override void VisitIfStatement(IfStatementSyntax node)
    {
        // A condition with an operator of its own is mutated there.
        if (node.Condition is not BinaryExpressionSyntax)
        {
            Add(node.Condition, PrefixUnaryExpression(SyntaxKind.LogicalNotExpression, ParenthesizedExpression(node.Condition.WithoutTrivia())));
        }

        base.VisitIfStatement(node);
    }

    public override void VisitIsPatternExpression(IsPatternExpressionSyntax node)
    {
        if (node.Parent is not IfStatementSyntax)
        {
            Add(node, PrefixUnaryExpression(SyntaxKind.LogicalNotExpression, ParenthesizedExpression(node.WithoutTrivia())));
        }

        base.VisitIsPatternExpression(node);
    }

    public override void VisitMemberAccessExpression(MemberAccessExpressionSyntax node)
    {
        if (_queries.TryGetValue(node.Name.Identifier.Text, out var other) && node.Name is IdentifierNameSyntax && node.Parent is InvocationExpressionSyntax)
        {
            Add(node, node.WithName(IdentifierName(other)));
        }

        base.VisitMemberAccessExpression(node);
    }

    public override void VisitInvocationExpression(InvocationExpressionSyntax node)
    {
        // A filter or an order that is left out.
        if (node.Expression is MemberAccessExpressionSyntax { Name.Identifier.Text: "Where" or "Distinct" or "Order" or "OrderBy" or "ThenBy" } member)
        {
            Add(node, member.Expression);
        }

        base.VisitInvocationExpression(node);
    }

    public override void VisitExpressionStatement(ExpressionStatementSyntax node)
    {
        if (!Says(node))
        {
            Add(node, EmptyStatement());
        }

        base.VisitExpressionStatement(node);
    }

    public override void VisitAttributeList(AttributeListSyntax node)
    {
        // Attributes are not run.
    }

    public override void VisitInterpolatedStringExpression(InterpolatedStringExpressionSyntax node)
    {
        // What people read is not at issue.
    }

    private static bool Says(SyntaxNode node) => node.DescendantNodes().OfType<IdentifierNameSyntax>().Any(name => name.Identifier.Text == nameof(Diagnostic));

    private void Add(SyntaxNode original, SyntaxNode replacement) =>
        _mutants.Add(new(file, original.GetLocation().GetLineSpan().StartLinePosition.Line + 1, original, replacement.WithTriviaFrom(original)));
}
