using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Tests.Hosting;

public sealed class DurabilityTests
{
    [Fact]
    public async Task A_restart_keeps_everything_and_generations_only_grow()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        await admin.PutAsync<ServiceDocument>("policy/draft/services/extra", new ServiceDocument { Ports = ["tcp/9"] });
        var before = controller.Live.Current;

        await controller.RestartAsync();
        var after = controller.Live.Current;
        Assert.True(after.Settings.Generation.CompareTo(before.Settings.Generation) > 0);
        // The start itself is a change, which other controllers follow.
        Assert.Equal(before.Sequence + 1, after.Sequence);
        Assert.Equal(before.DraftPolicy.Version, after.DraftPolicy.Version);
        Assert.Equal(PolicyJson.Canonical(before.DraftPolicy.Document), PolicyJson.Canonical(after.DraftPolicy.Document));
        Assert.Equal(before.Entries.Keys, after.Entries.Keys);
        Assert.All(before.Enforced.Hosts, pair => Assert.True(pair.Value.EnforcesSameAs(after.Enforced.Hosts[pair.Key] with { Controllers = pair.Value.Controllers })));
        using var again = await controller.ClientAsync();
        Assert.Equal(1, (await again.GetAsync<RevisionView>("policy/revisions/1")).Rollout!.Affected);
    }

    /// <summary>What was answered is there after kill −9; what was not may be, but nothing is half done.</summary>
    [Fact]
    public async Task What_was_answered_survives_a_kill()
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-kill-test-");
        try
        {
            var acknowledged = 0;
            using (var victim = await ControllerProcess.StartAsync(folder.FullName))
            using (var client = victim.Client())
            {
                var writing = Task.Run(async () =>
                {
                    try
                    {
                        for (var i = 1; i < 10_000; i++)
                        {
                            var (name, address) = ($"w{i}", $"10.0.{i / 256}.{i % 256}");
                            await client.PostAsync<WorkloadView>("workloads", new CreateWorkload(name, new Dictionary<string, string> { ["role"] = name }, [address]));
                            Volatile.Write(ref acknowledged, i);
                        }
                    }
                    catch (Exception gone) when (gone is HttpRequestException or IOException)
                    {
                    }
                });
                await Eventually.IsAsync(() => Volatile.Read(ref acknowledged) >= 25, "25 writes were answered");
                victim.Kill();
                await writing;
            }

            using var survivor = await ControllerProcess.StartAsync(folder.FullName);
            using var reader = survivor.Client();
            var workloads = (await reader.GetAsync<Page<WorkloadView>>("workloads?limit=1000")).Items;
            Assert.InRange(workloads.Count, acknowledged, acknowledged + 1);
            Assert.All(workloads, w => Assert.Equal((w.Name, 1), (w.Labels["role"], w.Addresses.Count)));
            Assert.Equal(0, survivor.Command("verify-audit"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Two_controllers_cannot_share_a_folder()
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-share-test-");
        try
        {
            using var first = await ControllerProcess.StartAsync(folder.FullName);
            Assert.Equal(1, first.Command("run", "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_lost_password_is_reset_on_the_machine()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        Assert.Equal(0, ControllerProcess.Command(controller.Folder, "reset-password"));
        await client.RefusedAsync(HttpMethod.Get, "session", null, 401, "not-signed-in");
        var password = (await File.ReadAllTextAsync(Path.Combine(controller.Folder, "first-run-password"))).Trim();
        Assert.True((await client.PostAsync<SessionView>("session", new SignIn("admin", password))).MustChangePassword);
    }
}
