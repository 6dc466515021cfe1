using System.Text.Json;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>A policy as written, the workloads that it is for, and the time at which it is looked at.</summary>
internal sealed record Estate(PolicyDocument Document, IReadOnlyList<Workload> Workloads, DateTimeOffset Now)
{
    public static readonly HashSet<string> Keys = [.. LabelText.BuiltInKeys];
    public static readonly DateTimeOffset Morning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly ControllerEndpoint Controller = new(IpAddress.Parse("10.9.9.9"), 8444);

    public CompileSettings Settings => new(new(1, 1), Now, [Controller]);

    /// <summary>The checked policy.</summary>
    public PolicyModel Parse()
    {
        var parsed = PolicyParser.Parse(Document, Keys);
        Assert.True(parsed.Ok, string.Join('\n', parsed.Diagnostics));
        return parsed.Value!;
    }

    /// <summary>What the engine makes of it, from scratch.</summary>
    public CompiledPolicy Compile() => PolicyCompiler.Compile(Parse(), new(Workloads), Settings);

    /// <summary>In a form that can be read in the message of a failed test; the vocabulary, always the same, is left out.</summary>
    public override string ToString() => string.Join('\n',
    [
        JsonSerializer.Serialize(Document with { Services = [], Networks = [], LabelGroups = [] }, PolicyJson.Default.PolicyDocument),
        .. Workloads.Select(w => $"{w.Name}: {w.Labels} at {string.Join(' ', w.Addresses)} in '{w.Space}' managed={w.Managed} admitted={w.Admitted} quarantined={w.Quarantined} pin={w.Pin} [{string.Join(' ', w.Features)}] published=[{string.Join(", ", w.Published)}] sources=[{string.Join(' ', w.Sources)}]"),
        $"at {Now:u}",
    ]);
}
