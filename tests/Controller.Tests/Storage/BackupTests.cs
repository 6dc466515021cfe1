using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Controller.Tests.Hosting;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Storage;

public sealed class BackupTests : IDisposable
{
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("bulkhead-backup-test-");

    private string File => Path.Combine(_work.FullName, "backup");

    public void Dispose() => _work.Delete(recursive: true);

    [Fact]
    public async Task What_is_restored_is_what_was_backed_up_and_agents_follow_it_back()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("app", "shop"), ("role", "db"));
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence);
        await agent.SendAsync(Flows(1));
        Assert.Equal(0, ControllerProcess.Command(controller.Folder, "backup", File));
        var then = await controller.ExportAsync();

        // Time goes on: another policy, which the agent has, and more flows.
        await PolicyStreamTests.ProvisionAsync(admin, PolicyStreamTests.Fence with { Modes = [new() { Selector = "app=shop", Inbound = "selective" }] });
        using var late = await PolicyStreamTests.PairAsync(controller, admin, "late", "10.0.0.3", ("app", "shop"));
        Generation last;
        using (var stream = await agent.OpenAsync())
        {
            last = (await stream.NextAsync())!.Generation;
        }

        var folder = NewFolder("restored");
        Assert.Equal(0, ControllerProcess.Command(folder, "restore", File));
        await using var restored = await TestController.StartOnAsync(folder);
        using var again = await restored.ClientAsync();
        Assert.Equal(Lines(then).Where(Lasting), Lines(await restored.ExportAsync()).Where(Lasting).Intersect(Lines(then)));
        Assert.Equal(["db"], (await again.GetAsync<Page<WorkloadView>>("workloads")).Items.Select(w => w.Name));
        Assert.Single((await again.GetAsync<Page<FlowEdge>>("flows")).Items);
        Assert.Equal(0, ControllerProcess.Command(folder, "verify-audit"));

        // The agent's certificate holds; the policy is the older one, in an epoch that the authority it trusts has begun.
        using var returned = agent.At(restored);
        using (var stream = await returned.OpenAsync())
        {
            var policy = (await stream.NextAsync())!;
            Assert.Equal(Mode.Full, policy.Inbound);
            Assert.True(policy.Generation.Epoch > last.Epoch);
            Assert.True(IsProven(policy.EpochProof, policy.Generation.Epoch, restored.Authority.Certificate));
            await returned.SendAsync(new StateReport(returned.Report("10.0.0.2")) { Applied = policy.Generation });
        }

        // What the agent sends again counts once; who was paired later is told to pair anew.
        await returned.SendAsync(Flows(1));
        Assert.Equal(1, Assert.Single((await again.GetAsync<Page<FlowEdge>>("flows")).Items).Connections);
        using var unknown = late.At(restored);
        Assert.Equal("revoked", (await Assert.ThrowsAsync<RefusedByController>(unknown.OpenAsync)).Code);
    }

    [Fact]
    public async Task A_backup_made_while_edits_run_is_of_one_moment()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var stop = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var (i, labels) = (written, new Dictionary<string, string> { ["app"] = "shop" });
                await admin.PostAsync<WorkloadView>("workloads", new CreateWorkload($"w{i}", labels, [$"10.0.{i / 256}.{i % 256}"]));
                Volatile.Write(ref written, i + 1);
            }
        });
        await Eventually.IsAsync(() => Volatile.Read(ref written) >= 10, "edits run");
        var before = Volatile.Read(ref written);
        Assert.Equal(0, ControllerProcess.Command(controller.Folder, "backup", File));
        await stop.CancelAsync();
        await writing;

        var folder = NewFolder("restored");
        Assert.Equal(0, ControllerProcess.Command(folder, "restore", File));
        await using var restored = await TestController.StartOnAsync(folder);
        using var again = await restored.ClientAsync();
        var kept = (await again.GetAsync<Page<WorkloadView>>("workloads?limit=1000")).Items;
        Assert.InRange(kept.Count, before, written);
        Assert.All(kept, w => Assert.Single(w.Addresses));
        Assert.Equal(Enumerable.Range(0, kept.Count).Select(i => $"w{i}").Order(StringComparer.Ordinal), kept.Select(w => w.Name).Order(StringComparer.Ordinal));
        Assert.Equal(0, ControllerProcess.Command(folder, "verify-audit"));
    }

    [Fact]
    public async Task A_damaged_backup_is_refused_whole_wherever_the_damage_is()
    {
        await using (var controller = await TestController.StartAsync())
        {
            Assert.Equal(0, ControllerProcess.Command(controller.Folder, "backup", File));
        }

        var good = await System.IO.File.ReadAllBytesAsync(File);
        var random = new Random(20261122);
        var damages = Enumerable.Range(0, 40).Select(_ => (Func<byte[]>)(() =>
        {
            var bytes = good.ToArray();
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            return bytes;
        })).Concat(new[] { 0, 1, 90, 91, 512, good.Length / 2, good.Length - 1 }.Select(length => (Func<byte[]>)(() => good[..length]))).Append(() => [.. good, 0]);
        foreach (var damage in damages)
        {
            await System.IO.File.WriteAllBytesAsync(File, damage());
            await Assert.ThrowsAsync<InvalidDataException>(() => Controller.Storage.Backups.BackupFile.OpenAsync(File, CancellationToken.None));
        }

        var folder = NewFolder("restored");
        var was = Directory.GetFileSystemEntries(folder).Append(Path.Combine(folder, "lock")).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.Equal(1, ControllerProcess.Command(folder, "restore", File));
        Assert.Equal(was, Directory.GetFileSystemEntries(folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_restore_goes_into_an_empty_folder_only_and_one_that_did_not_end_is_done_again()
    {
        await using var controller = await TestController.StartAsync();
        Assert.Equal(0, ControllerProcess.Command(controller.Folder, "backup", File));
        Assert.Equal(1, ControllerProcess.Command(controller.Folder, "backup", File));

        var folder = NewFolder("restored");
        await System.IO.File.WriteAllTextAsync(Path.Combine(folder, "ca.key"), "somebody's");
        Assert.Equal(1, ControllerProcess.Command(folder, "restore", File));
        Assert.Equal("somebody's", await System.IO.File.ReadAllTextAsync(Path.Combine(folder, "ca.key")));

        // As a killed restore leaves it: no controller starts on that, and another restore may.
        await System.IO.File.WriteAllTextAsync(Path.Combine(folder, DataFolder.RestoringFile), "");
        Assert.Throws<IOException>(() => DataFolder.Open(folder));
        Assert.Equal(0, ControllerProcess.Command(folder, "restore", File));
        await using var restored = await TestController.StartOnAsync(folder);
        Assert.Equal(controller.Authority.Sha256, restored.Authority.Sha256);
    }

    /// <summary>An empty folder, with an empty store of this suite's engine.</summary>
    private string NewFolder(string name)
    {
        var folder = Path.Combine(_work.FullName, name);
        Directory.CreateDirectory(folder);
        TestStore.Prepare(folder);
        return folder;
    }

    private static string[] Lines(string export) => export.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Rows that neither restoring nor starting changes.</summary>
    private static bool Lasting(string line) => line[0] == '[' && !Counters.Any(name => line.StartsWith($"[\"{name}\"", StringComparison.Ordinal));

    private static readonly string[] Counters = ["sequence", "epoch", "generation", "compiled-at", "observation"];

    private static bool IsProven(EpochProof proof, ulong epoch, X509Certificate2 authority)
    {
        using var key = authority.GetECDsaPublicKey()!;
        return proof.Epoch == epoch && key.VerifyData(Encoding.UTF8.GetBytes($"bulkhead-epoch:{epoch}"), proof.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static FlowBatch Flows(ulong sequence) => new()
    {
        SpoolEpoch = 7,
        Sequence = sequence,
        WindowMs = 10_000,
        WindowUnixMs = DateTimeOffset.UtcNow.AddSeconds(-20).ToUnixTimeMilliseconds(),
        SentUnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        Flows =
        {
            new FlowSummary
            {
                Direction = Contracts.Agent.Direction.Inbound, Outcome = Contracts.Agent.Outcome.Passed, Protocol = 6, Port = 3306, Connections = 1, FirstMs = 1, LastMs = 2,
                LocalAddress = ByteString.CopyFrom(10, 0, 0, 2), RemoteAddress = ByteString.CopyFrom(10, 0, 0, 1),
            },
        },
    };
}
