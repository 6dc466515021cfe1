using System.Globalization;
using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>The fence made narrow: not only the right host, but the right process on it, and the right person; and whoever is refused can ask why.</summary>
internal static class Narrowing
{
    private const int Passes = 0;
    private const int Blocked = 6;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ToldWithin = TimeSpan.FromSeconds(20);

    public static async Task<string> ProvisionAsync(Stage stage, CancellationToken cancellationToken)
    {
        var revision = await Fencing.ProvisionAsync(stage, "storefront-by-process.yaml", "The storefront by process and person", cancellationToken);
        var shop = await Surviving.ShopWorksAsync(stage, cancellationToken);
        return $"revision {revision.Number} on {revision.Rollout!.Applied} hosts; {shop}";
    }

    /// <summary>On the application server, which may reach the database, a shell may not; the application beside it may.</summary>
    public static async Task<string> WrongProcessAsync(Stage stage, CancellationToken cancellationToken)
    {
        var app = stage.Lab["app1"];
        var database = stage.Lab.FindService("db1/mariadb").EndPoint(ipv6: false);
        await using var application = await Puppet.StartAsync(app, new("appserver.service/check"), cancellationToken);
        await using var shell = await Puppet.StartAsync(app, new("shell.scope"), cancellationToken);
        await ExpectAsync(application, "a process of appserver.service", database, ProbeOutcome.Connected, cancellationToken);
        await ExpectAsync(shell, "a shell", database, ProbeOutcome.Refused, cancellationToken);
        await ExplainAsync(app, database, Passes, ["--unit", "appserver.service"], cancellationToken);
        var because = await ExplainAsync(app, database, Blocked, ["--unit", "shell.scope"], cancellationToken);
        var why = await WhyAsync(app, database, user: 0, cancellationToken);
        var explanation = await stage.Operator.AskAsync<Explanation>(cancellationToken, "explain", "app1", "db1", "tcp/3306");
        return $"app1 → db1: appserver.service passes, a shell is refused; explain on the host: {because}; why: {why}; the operator's explain: {explanation.Verdict.Because}";
    }

    /// <summary>On the jump host a database administrator reaches the database, somebody else does not.</summary>
    public static async Task<string> WrongPersonAsync(Stage stage, CancellationToken cancellationToken)
    {
        var jump = stage.Lab["jump1"];
        var (ann, bob) = (stage.Lab.Person("ann"), stage.Lab.Person("bob"));
        var database = stage.Lab.FindService("db1/mariadb").EndPoint(ipv6: true);
        await using var anns = await Puppet.StartAsync(jump, new("session-1.scope") { Login = ann.Id, User = ann.Id }, cancellationToken);
        // Who has become root by sudo is still who signed in.
        await using var bobs = await Puppet.StartAsync(jump, new("session-2.scope") { Login = bob.Id, User = 0 }, cancellationToken);
        await ExpectAsync(anns, ann.Name, database, ProbeOutcome.Connected, cancellationToken);
        await ExpectAsync(bobs, bob.Name, database, ProbeOutcome.Refused, cancellationToken);
        await ExplainAsync(jump, database, Passes, ["--user-group", .. ann.Groups], cancellationToken);
        var because = await ExplainAsync(jump, database, Blocked, ["--user-group", .. bob.Groups], cancellationToken);
        await using var own = await Puppet.StartAsync(jump, new("session-3.scope") { Login = bob.Id, User = bob.Id }, cancellationToken);
        await ExpectAsync(own, bob.Name, database, ProbeOutcome.Refused, cancellationToken);
        var why = await WhyAsync(jump, database, bob.Id, cancellationToken);
        return $"jump1 → db1: {ann.Name} ({string.Join(", ", ann.Groups)}) passes, {bob.Name} ({string.Join(", ", bob.Groups)}) is refused, also with sudo; explain on the host: {because}; why, asked by {bob.Name}: {why}";
    }

    private static async Task ExpectAsync(Puppet puppet, string who, IPEndPoint to, ProbeOutcome expected, CancellationToken cancellationToken)
    {
        var outcome = await puppet.ConnectAsync("tcp", to, byWorker: true, Patience, cancellationToken);
        if (outcome != expected)
        {
            throw new StoryException($"{who} → {to}: {outcome} instead of {expected}");
        }
    }

    private static async Task<string> ExplainAsync(LabHost host, IPEndPoint to, int expected, IReadOnlyList<string> socket, CancellationToken cancellationToken)
    {
        string[] command = ["explain", "--to", to.Address.ToString(), "--port", string.Create(CultureInfo.InvariantCulture, $"tcp/{to.Port}"), .. socket, "--state", Path.Combine(host.Folder, "agent")];
        var answer = await host.RunAsync([Programs.Agent, .. command], cancellationToken);
        return answer.ExitCode == expected
            ? answer.Output.Trim().ReplaceLineEndings(" ")
            : throw new StoryException($"bulkhead-agent {string.Join(' ', command)} ended with {answer.ExitCode} instead of {expected}: {answer.Output}{answer.Error}");
    }

    /// <summary>What whoever was refused is told on the host, without privileges unless it is root.</summary>
    private static async Task<string> WhyAsync(LabHost host, IPEndPoint to, uint user, CancellationToken cancellationToken)
    {
        string[] command = [Programs.Agent, "why", "--runtime", LabAgents.Runtime];
        var told = "";
        await Wait.UntilAsync(
            async () =>
            {
                var answer = await (user == 0 ? host.RunAsync(command, cancellationToken) : host.RunAsync(command, user, cancellationToken));
                told = answer.Output.Split('\n').FirstOrDefault(line => line.Contains($"{to.Address}, tcp/{to.Port}", StringComparison.Ordinal)) ?? "";
                return told.Length > 0 ? null : $"bulkhead-agent why, asked by user {user} on {host.Name}, ended with {answer.ExitCode}: {answer.Output}{answer.Error}";
            },
            ToldWithin,
            cancellationToken);
        return told;
    }
}
