using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary>What can be proven of the draft, for people.</summary>
internal static class ProofSheets
{
    public static void Write(Terminal terminal, IReadOnlyList<AssertionView> assertions)
    {
        var listing = new Listing("assertion", "state", "because");
        foreach (var assertion in assertions)
        {
            var colour = assertion.State switch
            {
                AssertionState.Held => Color.Green,
                AssertionState.Conditional or AssertionState.Unproven => Color.Yellow,
                _ => Color.Red,
            };
            var gaps = assertion.NotYetEnforced == 0 ? "" : $"\nnot yet enforced: {assertion.NotYetEnforced.Of("direction")} of {string.Join(", ", assertion.NotYetEnforcedAt)}";
            listing.Row(assertion.Name, new(Words.Name(assertion.State), new Style(colour)), assertion.Message + Rules(assertion.DecidedBy) + gaps);
        }

        listing.WriteTo(terminal.Out, "The draft has no assertions.");
        if (assertions.Count > 0)
        {
            terminal.Note($"{assertions.Count(a => a.State == AssertionState.Held)} of {assertions.Count.Of("assertion")} held.");
        }
    }

    public static void Write(Terminal terminal, RuleHealthView health)
    {
        var listing = new Listing("rule", "finding", "what is wrong");
        foreach (var finding in health.Findings)
        {
            var evidence = finding.Evidence.Count == 0 ? "" : $"\n{string.Join(", ", finding.Evidence)}";
            listing.Row(finding.Rule.Text(), finding.Code, finding.Message + Rules(finding.Others) + evidence);
        }

        listing.WriteTo(terminal.Out, "Nothing is wrong with any rule.");
        terminal.Note($"Compared with {((int)health.Edges).Of("edge")} of traffic, seen from {health.From:u} to {health.To:u}.");
        if (health.Undecided.Count > 0)
        {
            terminal.Note($"Given up whether others cover {string.Join(", ", health.Undecided.Select(rule => $"rule {rule}"))}.");
        }
    }

    public static void Write(Terminal terminal, DraftEffects effects)
    {
        terminal.Out.WriteLine("With workloads in their modes:");
        Write(terminal, effects.InForce, terminal.Out);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("By the letter, as if all were in full:");
        Write(terminal, effects.InFull, terminal.Out);
    }

    public static void Write(Terminal terminal, EffectList effects, IAnsiConsole console)
    {
        var listing = new Listing("change", "connections", "by");
        foreach (var effect in effects.Effects)
        {
            listing.Row(
                new(effect.AgreedUpon ? (effect.Allows ? "may be agreed upon" : "no longer agreed upon") : effect.Allows ? "allowed" : "blocked", new Style(effect.Allows ? Color.Green : Color.Red)), effect.Connections, string.Join(", ", effect.Rules.Select(rule => $"rule {rule}")));
        }

        listing.WriteTo(console, "Nothing that the newest revision does not allow and block as well.");
        if (!effects.IsComplete)
        {
            terminal.Note("There is more than is listed.");
        }
    }

    private static string Rules(IReadOnlyList<long> rules) => rules.Count == 0 ? "" : $" ({string.Join(", ", rules.Select(rule => $"rule {rule}"))})";
}
