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
    private static readonly Option<string?> Port = new("--port") { Description = "Such as tcp/443 or icmp/8. With one end alone it may be left out: all ports that rules name.", HelpName = "PORT" };
    private static readonly Option<string?> Process = new("--process") { Description = "Path of the executable that connects; without it and --unit, any process is possible.", HelpName = "PATH" };
    private static readonly Option<string?> Unit = new("--unit") { Description = "Systemd unit that connects.", HelpName = "UNIT" };
    private static readonly Option<string[]> Groups = new("--user-group") { Description = "A directory group of the connecting user; repeat for more.", HelpName = "GROUP" };
    private static readonly Option<bool> Unidentified = new("--unidentified") { Description = "The kernel could not tell which process connects, nor whose." };
    private static readonly Option<bool> ServingUnidentified = new("--serving-unidentified") { Description = "The kernel could not tell which process serves." };
    private static readonly Option<long?> Rule = new("--rule") { Description = "Instead of a connection: which workloads a rule touches, which hosts hold it, and which go without.", HelpName = "ID" };
    private static readonly Option<string?> ServingProcess = new("--serving-process") { Description = "Path of the executable that serves.", HelpName = "PATH" };
    private static readonly Option<string?> ServingUnit = new("--serving-unit") { Description = "Systemd unit that serves.", HelpName = "UNIT" };
    private static readonly Option<VerdictKind?> Expect = CreateExpect();

    public static Command Create(CliHost host) => new Command("explain", "Say what would become of a connection, and which rule of which file decides it.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys, From, To, Port, Rule, Process, Unit, Groups, Unidentified, ServingProcess, ServingUnit, ServingUnidentified, Expect).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        PortMatch? asked = call.Value(Port) is { } text ? ReadPort(text) : null;
        var (connecting, serving) = (Consumer(call), Provider(call));
        var (policy, compiled) = await OfflinePolicy.LoadCompiledAsync(call).ConfigureAwait(false);
        if (call.Value(Rule) is { } rule)
        {
            return Touch(call, policy, compiled, new(rule));
        }

        if (call.Value(From) is not { } consumer || call.Value(To) is not { } provider)
        {
            return Survey(call, policy, compiled, asked, connecting, serving);
        }

        var port = asked ?? throw Failure.Usage("Name a port with --port; only with one end alone may it be left out.");

        var (source, sourceAddress) = FindWorkload.End(compiled.Workloads, consumer);
        var (destination, destinationAddress) = FindWorkload.End(compiled.Workloads, provider);
        List<Meeting> meetings =
        [
            .. Meeting.All(
                sourceAddress is { } exactSource ? [exactSource] : Meeting.SourcesOf(source!),
                destinationAddress is { } exact ? [(exact, port.First)] : Meeting.DestinationsOf(compiled.Workloads, destination!, port.Protocol, port.First)),
        ];
        if (meetings.Count == 0)
        {
            throw new Failure(
                ExitCode.Refused, $"'{consumer}' and '{provider}' have no addresses of the same family in the same space.", "Name an address of each, as SPACE/ADDRESS if the space is not the default one; or declare in the inventory under which address the one is published, or the other connects.");
        }

        var explainer = new Explainer(new(compiled));
        var result = FileExplanation.Of(meetings.Select(meeting =>
        {
            var connection = new Policy.Evaluate.Connection(meeting.Source.Space, meeting.Source.Address, meeting.Destination.Address, port.Protocol, meeting.Port, connecting, serving);
            return FileExplanation.Of(
                policy.Folder, compiled, explainer.Explain(connection, sourceAddress is null ? source?.Id : null, destinationAddress is null ? destination?.Id : null),
                connection, (source, meeting.Source), (destination, meeting.Destination), port);
        }));
        call.Show(result, _ => Write(call.Terminal.Out, result));
        if (call.Value(Expect) is { } expected && result.Others.Append(result).FirstOrDefault(one => one.Verdict != Phrase(expected)) is { } unexpected)
        {
            call.Terminal.Note($"Expected was: {Phrase(expected)}; {unexpected.FromAddress} → {unexpected.ToAddress} is {unexpected.Verdict}.");
            return ExitCode.Refused;
        }

        return ExitCode.Ok;
    }

    /// <summary>One end alone: who reaches it, or whom it reaches.</summary>
    private static int Survey(Call call, OfflinePolicy policy, CompiledPolicy compiled, PortMatch? port, SocketFacts connecting, SocketFacts serving)
    {
        var named = call.Value(From) ?? call.Value(To) ?? throw Failure.Usage("Name a consumer with --from, a provider with --to, or both; or a rule with --rule.");
        var workload = FindWorkload.End(compiled.Workloads, named).Workload
            ?? throw new Failure(ExitCode.Refused, $"'{named}' is no workload of the inventory, and only a workload has rules of its own.", "Name a workload, or name both ends.");
        if (call.Value(Expect) is not null)
        {
            throw Failure.Usage("--expect is about one connection: name both ends.");
        }

        var evaluator = new PolicyEvaluator(compiled);
        var ports = port is { } one ? [one] : PortClasses.Of(compiled.Policy);
        var result = FileReach.Of(policy.Folder, workload, call.Value(To) is null ? "from" : "to", port, ports.Select(port => (port, call.Value(To) is null
            ? Reachability.From(evaluator, workload, port.Protocol, port.First, connecting, serving)
            : Reachability.To(evaluator, workload, port.Protocol, port.First, connecting, serving))));
        call.Show(result, reach => reach.WriteTo(call.Terminal));
        return ExitCode.Ok;
    }

    private static int Touch(Call call, OfflinePolicy policy, CompiledPolicy compiled, Policy.Rules.RuleId rule)
    {
        if (call.Value(From) is not null || call.Value(To) is not null || call.Value(Port) is not null || call.Value(Expect) is not null)
        {
            throw Failure.Usage("--rule stands alone: it is about no connection in particular.");
        }

        var touch = FileTouch.Of(policy.Folder, compiled, rule) ?? throw new Failure(ExitCode.NotFound, $"There is no rule {rule}, or it has expired.", "'bulkhead policy compile -o json' shows the ids of rules.");
        call.Show(touch, found => found.WriteTo(call.Terminal));
        return ExitCode.Ok;
    }

    private static SocketFacts Consumer(Call call) => Facts(call, Process, Unit, call.Value(Groups) ?? [], Unidentified);

    private static SocketFacts Provider(Call call) => Facts(call, ServingProcess, ServingUnit, [], ServingUnidentified);

    private static Option<VerdictKind?> CreateExpect() =>
        CommonOptions.Choice<VerdictKind>("--expect", "Exit with 1 if the verdict is another one.");

    private static SocketFacts Facts(Call call, Option<string?> processOption, Option<string?> unitOption, string[] groups, Option<bool> unidentified)
    {
        var (process, unit) = (call.Value(processOption), call.Value(unitOption));
        var known = process is not null || unit is not null || groups.Length > 0;
        if (process is not null && !process.StartsWith('/'))
        {
            throw Failure.Usage($"'{process}' is no absolute path. Rules name executables as the kernel does, such as /usr/sbin/nginx.");
        }

        if (call.Value(unidentified))
        {
            return known ? throw Failure.Usage($"{unidentified.Name} says that nothing is known of the socket: leave out its process, unit and groups.") : SocketFacts.Unidentified;
        }

        return known ? SocketFacts.Of(process, unit, groups.Length == 0 ? null : groups.Order(StringComparer.Ordinal).ToEquatableArray()) : SocketFacts.Unrecorded;
    }

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
        foreach (var one in explanation.Others.Prepend(explanation))
        {
            // Which addresses are meant matters only where they fare differently.
            var addresses = explanation.Others.Count == 0 ? "" : $" ({one.FromAddress} → {one.ToAddress})";
            console.WriteLine($"{one.From} → {one.To}{addresses} {one.Port}: {one.Verdict}");
            console.WriteLine();
            var ends = new Listing("end", "decides", "in full", "mode", "because", "also matching");
            Row(ends, "outbound at the consumer", one.Source);
            Row(ends, "inbound at the provider", one.Destination);
            ends.WriteTo(console, "");
            foreach (var missing in one.LeftOut)
            {
                console.WriteLine($"left out: {missing.Rule.File}:{missing.Rule.Line}: {missing.Reason}");
            }

            foreach (var remedy in one.Remedies)
            {
                console.WriteLine($"to allow it: {remedy}");
            }
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
