using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;
using Spectre.Console;

namespace Bulkhead.Cli.Offline;

/// <summary><c>bulkhead policy explain</c>: what would become of a connection, and which line of which file decides it.</summary>
internal static class ExplainFilesCommand
{
    private static readonly Option<string?> From = new("--from") { Description = "The consumer: a workload's name, or an address. Left out: all that can reach the provider.", HelpName = "NAME|ADDRESS" };
    private static readonly Option<string?> To = new("--to") { Description = "The provider. Left out: all that the consumer can reach.", HelpName = "NAME|ADDRESS" };
    private static readonly Option<string> Port = new("--port") { Description = "Such as tcp/443 or icmp/8.", HelpName = "PORT", Required = true };
    private static readonly Option<string?> Process = new("--process") { Description = "Path of the executable that connects; without it and --unit, any process is possible.", HelpName = "PATH" };
    private static readonly Option<string?> Unit = new("--unit") { Description = "Systemd unit that connects.", HelpName = "UNIT" };
    private static readonly Option<string[]> Groups = new("--user-group") { Description = "A directory group of the connecting user; repeat for more.", HelpName = "GROUP" };
    private static readonly Option<string?> ServingProcess = new("--serving-process") { Description = "Path of the executable that serves.", HelpName = "PATH" };
    private static readonly Option<string?> ServingUnit = new("--serving-unit") { Description = "Systemd unit that serves.", HelpName = "UNIT" };
    private static readonly Option<VerdictKind?> Expect = CreateExpect();

    public static Command Create(CliHost host) => new Command("explain", "Say what would become of a connection, and which rule of which file decides it.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys, From, To, Port, Process, Unit, Groups, ServingProcess, ServingUnit, Expect).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var port = ReadPort(call.Required(Port));
        var (policy, compiled) = await OfflinePolicy.LoadCompiledAsync(call).ConfigureAwait(false);
        if (call.Value(From) is not { } consumer || call.Value(To) is not { } provider)
        {
            return Survey(call, policy, compiled, port);
        }

        var (source, sourceAddress) = FindWorkload.End(compiled.Workloads, consumer);
        var (destination, destinationAddress) = FindWorkload.End(compiled.Workloads, provider);
        var meeting = Meeting.Between(
            sourceAddress is { } exactSource ? [exactSource] : Meeting.SourcesOf(source!),
            destinationAddress is { } exact ? [(exact, port.First)] : Meeting.DestinationsOf(compiled.Workloads, destination!, port.Protocol, port.First)) ?? throw new Failure(
            ExitCode.Refused, $"'{consumer}' and '{provider}' have no addresses of the same family in the same space.", "Name an address of each, as SPACE/ADDRESS if the space is not the default one; or declare in the inventory under which address the one is published, or the other connects.");
        var connection = new Policy.Evaluate.Connection(meeting.Source.Space, meeting.Source.Address, meeting.Destination.Address, port.Protocol, meeting.Port, Consumer(call), Provider(call));
        var result = FileExplanation.Of(
            policy.Folder, compiled, new Explainer(new(compiled)).Explain(connection, sourceAddress is null ? source?.Id : null, destinationAddress is null ? destination?.Id : null),
            connection, (source, meeting.Source), (destination, meeting.Destination), port);
        call.Show(result, _ => Write(call.Terminal.Out, result));
        if (call.Value(Expect) is { } expected && Phrase(expected) != result.Verdict)
        {
            call.Terminal.Note($"Expected was: {Phrase(expected)}.");
            return ExitCode.Refused;
        }

        return ExitCode.Ok;
    }

    /// <summary>One end alone: who reaches it, or whom it reaches.</summary>
    private static int Survey(Call call, OfflinePolicy policy, CompiledPolicy compiled, PortMatch port)
    {
        var named = call.Value(From) ?? call.Value(To) ?? throw Failure.Usage("Name a consumer with --from, a provider with --to, or both.");
        var workload = FindWorkload.End(compiled.Workloads, named).Workload
            ?? throw new Failure(ExitCode.Refused, $"'{named}' is no workload of the inventory, and only a workload has rules of its own.", "Name a workload, or name both ends.");
        if (call.Value(Expect) is not null)
        {
            throw Failure.Usage("--expect is about one connection: name both ends.");
        }

        var evaluator = new PolicyEvaluator(compiled);
        var result = call.Value(To) is null
            ? FileReach.Of(policy.Folder, workload, "from", port, Reachability.From(evaluator, workload, port.Protocol, port.First, Consumer(call), Provider(call)))
            : FileReach.Of(policy.Folder, workload, "to", port, Reachability.To(evaluator, workload, port.Protocol, port.First, Consumer(call), Provider(call)));
        call.Show(result, reach => reach.WriteTo(call.Terminal));
        return ExitCode.Ok;
    }

    private static SocketFacts Consumer(Call call) => Facts(call.Value(Process), call.Value(Unit), call.Value(Groups) ?? []);

    private static SocketFacts Provider(Call call) => Facts(call.Value(ServingProcess), call.Value(ServingUnit), []);

    private static Option<VerdictKind?> CreateExpect() =>
        CommonOptions.Choice<VerdictKind>("--expect", "Exit with 1 if the verdict is another one.");

    private static SocketFacts Facts(string? process, string? unit, string[] groups) => process is null && unit is null && groups.Length == 0
        ? SocketFacts.Unrecorded
        : SocketFacts.Of(process, unit, groups.Length == 0 ? null : groups.Order(StringComparer.Ordinal).ToEquatableArray());

    private static PortMatch ReadPort(string text)
    {
        var problems = new List<Diagnostic>();
        var match = PortText.Parse(text, "", problems);
        if (match is not { } port)
        {
            throw Failure.Usage(problems[0].Message);
        }

        var hasNumber = IpProtocol.HasPorts(port.Protocol) || IpProtocol.IsIcmp(port.Protocol);
        return port.IsAny || (hasNumber && port.First != port.Last)
            ? throw Failure.Usage($"'{text}' is more than one port. A connection has one, such as tcp/443 or icmp/8.")
            : port;
    }

    private static void Write(IAnsiConsole console, FileExplanation explanation)
    {
        console.WriteLine($"{explanation.From} → {explanation.To} {explanation.Port}: {explanation.Verdict}");
        console.WriteLine();
        var ends = new Listing("end", "decides", "in full", "mode", "because", "also matching");
        Row(ends, "outbound at the consumer", explanation.Source);
        Row(ends, "inbound at the provider", explanation.Destination);
        ends.WriteTo(console, "");
        foreach (var missing in explanation.LeftOut)
        {
            console.WriteLine($"left out: {missing.Rule.File}:{missing.Rule.Line}: {missing.Reason}");
        }

        foreach (var remedy in explanation.Remedies)
        {
            console.WriteLine($"to allow it: {remedy}");
        }
    }

    private static void Row(Listing listing, string end, FileDecision? decision)
    {
        if (decision is null)
        {
            listing.Row(end, "-", "-", "-", "it has no agent", "");
            return;
        }

        listing.Row(end, decision.Outcome, decision.InFull, decision.Mode, decision.Because, string.Join(' ', decision.OtherRules.Select(rule => $"{rule.File}:{rule.Line}")));
    }

    internal static string Phrase(VerdictKind kind) => kind == VerdictKind.PotentiallyBlocked ? "potentially blocked" : Words.Name(kind);
}
