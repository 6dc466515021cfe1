using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Tests.Agents;

/// <summary>Whoever has a pairing key and knows a host's identity takes up its workload; what of it they may have is decided here.</summary>
public sealed class RepairingTests
{
    [Fact]
    public async Task A_request_that_a_voided_certificate_began_before_it_was_voided_gets_nothing()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin);
        using var stolen = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1");
        using var signing = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var gate = new TaskCompletionSource();
        var renewal = stolen.PostSlowlyAsync("renew", new RenewRequest { SigningRequest = TestAgent.SigningRequest(signing) }, gate.Task);
        var report = stolen.PostSlowlyAsync("state", stolen.Report("10.0.0.66"), gate.Task);
        // Both requests' headers came before this one's, on the same connection.
        await stolen.SendAsync(stolen.Report("10.0.0.1"));
        using var owner = await TestAgent.PairAsync(controller, key.Secret, "web1", "10.0.0.1");
        gate.SetResult();
        Assert.Equal("revoked", (await Assert.ThrowsAsync<RefusedByController>(() => renewal)).Code);
        Assert.Equal("revoked", (await Assert.ThrowsAsync<RefusedByController>(() => report)).Code);
        Assert.Equal(["10.0.0.1"], (await admin.GetAsync<WorkloadDetail>("workloads/web1")).Workload.Addresses);
    }

    [Theory]
    [InlineData("the same key", true)]
    [InlineData("another key for the same hosts", true)]
    [InlineData("a key that admits nobody by itself", false)]
    [InlineData("a key for other labels", false)]
    [InlineData("a key for labels that the workload lacks", false)]
    [InlineData("a key for other networks", false)]
    public async Task A_workload_keeps_its_admission_only_if_the_key_vouches_for_what_it_is(string with, bool kept)
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, labels: [("env", "prod")]);
        (await TestAgent.PairAsync(controller, key.Secret, "db", "10.1.0.1", "fd00::1")).Dispose();
        await admin.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([new("db", new Dictionary<string, string> { ["role"] = "db" }, [], null)], false));
        var other = with switch
        {
            "the same key" => key,
            "another key for the same hosts" => await KeyAsync(admin, ["10.1.0.0/16", "fd00::/64"], true, ("env", "prod"), ("role", "db")),
            "a key that admits nobody by itself" => await KeyAsync(admin, ["10.0.0.0/8", "fd00::/8"], false, ("env", "prod")),
            "a key for other labels" => await KeyAsync(admin, ["10.0.0.0/8", "fd00::/8"], true, ("env", "dev")),
            "a key for labels that the workload lacks" => await KeyAsync(admin, ["10.0.0.0/8", "fd00::/8"], true, ("app", "shop")),
            _ => await KeyAsync(admin, ["10.1.0.0/16"], true, ("env", "prod")),
        };
        (await TestAgent.PairAsync(controller, other.Secret, "db", "10.1.0.1")).Dispose();

        var workload = (await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload;
        Assert.Equal(kept, workload.Sync != SyncState.Pending);
        Assert.Equal(!kept, workload.Problems.Any(p => p.Code == "paired-anew"));
        var audit = (await admin.GetAsync<Page<AuditEntryView>>("audit")).Items.First(e => e.Action == "pairing.pair");
        Assert.Equal(!kept, audit.Detail.Contains("no longer admitted", StringComparison.Ordinal));
        if (!kept)
        {
            workload = await admin.PostAsync<WorkloadView>("workloads/db/admit", null);
            Assert.NotEqual(SyncState.Pending, workload.Sync);
            Assert.DoesNotContain((await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Problems, p => p.Code == "paired-anew");
        }
    }

    [Fact]
    public async Task A_workload_that_waits_goes_on_waiting_whatever_key_it_pairs_with()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        (await TestAgent.PairAsync(controller, (await TestController.PairingKeyAsync(admin, autoAdmit: false)).Secret, "db", "10.1.0.1")).Dispose();
        (await TestAgent.PairAsync(controller, (await TestController.PairingKeyAsync(admin)).Secret, "db", "10.1.0.1")).Dispose();
        Assert.Equal(SyncState.Pending, (await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Sync);
    }

    [Fact]
    public async Task Pairing_anew_keeps_the_features_until_the_host_reports_and_losing_needed_ones_is_a_problem()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, labels: [("app", "shop"), ("role", "db")]);
        using var first = await TestAgent.PairAsync(controller, key.Secret, "db", "10.0.0.1");
        var able = first.Report("10.0.0.1");
        able.Agent.Features.Add(Bulkhead.Policy.Compile.Features.UnitInbound);
        await first.SendAsync(able);
        await PolicyStreamTests.ProvisionAsync(admin, new()
        {
            Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Unit = "mariadb.service" } }],
            Rulesets = [new() { Name = "shop", Scopes = [new() { Selector = "app=shop" }], Rules = [new() { From = "all", To = "role=db", Within = "to", Services = ["mariadb"] }] }],
            Modes = [new() { Selector = "role=db", Inbound = "full" }],
        });
        using var again = await TestAgent.PairAsync(controller, key.Secret, "db", "10.0.0.1");
        Assert.Contains(Bulkhead.Policy.Compile.Features.UnitInbound, controller.Live.Current.Entries.Values.Single().Workload.Features);

        await again.SendAsync(again.Report("10.0.0.1"));
        await again.SendAsync(again.Report("10.0.0.1"));
        Assert.DoesNotContain(Bulkhead.Policy.Compile.Features.UnitInbound, controller.Live.Current.Entries.Values.Single().Workload.Features);
        Assert.Contains(await ProblemsAsync(), p => p.Code == "features-lost" && p.Message.Contains(Bulkhead.Policy.Compile.Features.UnitInbound, StringComparison.Ordinal));
        Assert.Single((await admin.GetAsync<Page<AuditEntryView>>("audit")).Items, e => e.Action == "agent.features-lost");

        able.Identity = again.Report().Identity;
        await again.SendAsync(able);
        Assert.DoesNotContain(await ProblemsAsync(), p => p.Code == "features-lost");

        async Task<IReadOnlyList<DiagnosticView>> ProblemsAsync() => (await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Problems;
    }

    private static Task<CreatedPairingKey> KeyAsync(ApiClient admin, string[] networks, bool autoAdmit, params (string Key, string Value)[] labels) =>
        admin.PostAsync<CreatedPairingKey>("pairing-keys", new CreatePairingKey(
            "other", labels.ToDictionary(l => l.Key, l => l.Value), networks, null, DateTimeOffset.UtcNow.AddDays(1), autoAdmit));
}
