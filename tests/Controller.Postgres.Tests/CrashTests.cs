using System.Data.Common;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Tests.Hosting;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

/// <summary>Controllers and PostgreSQL are killed; what was answered is there.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Either_controller_may_be_killed_and_the_other_goes_on()
    {
        var folders = new[] { Directory.CreateTempSubdirectory("bulkhead-kill-test-"), Directory.CreateTempSubdirectory("bulkhead-kill-test-") };
        try
        {
            using var victim = await ControllerProcess.StartAsync(folders[0].FullName);
            foreach (var shared in (string[])["database", "ca.key", "ca.crt"])
            {
                File.Copy(Path.Combine(folders[0].FullName, shared), Path.Combine(folders[1].FullName, shared));
            }

            using var other = await ControllerProcess.StartAsync(folders[1].FullName);
            using var atVictim = victim.Client();
            using var atOther = other.Client();
            var answered = new List<string>();
            var first = WriteAsync(atVictim, "a", 1000, answered);
            var second = WriteAsync(atOther, "b", 40, answered);
            await Eventually.IsAsync(() => Count(answered, "a") >= 20, "20 writes were answered");
            victim.Kill();
            await Task.WhenAll(first, second);

            Assert.Equal(40, Count(answered, "b"));
            var kept = (await atOther.GetAsync<Page<WorkloadView>>("workloads?limit=1000")).Items.Select(w => w.Name).ToList();
            Assert.Empty(answered.Except(kept));
            Assert.InRange(kept.Count, answered.Count, answered.Count + 1);
            Assert.Equal(0, other.Command("verify-audit"));
        }
        finally
        {
            Array.ForEach(folders, folder => folder.Delete(recursive: true));
        }
    }

    [Fact]
    public async Task PostgreSQL_may_be_killed_and_the_controller_goes_on_when_it_is_back()
    {
        var server = PrivatePostgres.Start();
        var folder = Directory.CreateTempSubdirectory("bulkhead-kill-test-");
        try
        {
            TestStore.Use(folder.FullName, server.NewDatabase());
            using var controller = await ControllerProcess.StartAsync(folder.FullName);
            using var client = controller.Client();
            var answered = new List<string>();
            for (var round = 0; round < 3; round++)
            {
                var writing = WriteAsync(client, $"r{round}-", 1000, answered);
                await Eventually.IsAsync(() => Count(answered, $"r{round}-") >= 10, "10 writes were answered");
                server.Crash();
                await writing;
                await Eventually.HasAsync(async () =>
                {
                    using var back = await client.SendAsync(HttpMethod.Get, "workloads?limit=1", null);
                    return back.IsSuccessStatusCode ? back : null;
                }, "the controller answers again");
            }

            var kept = (await client.GetAsync<Page<WorkloadView>>("workloads?limit=1000")).Items.Select(w => w.Name).ToList();
            Assert.Empty(answered.Except(kept));
            Assert.InRange(kept.Count, answered.Count, answered.Count + 3);
            Assert.Equal(0, controller.Command("verify-audit"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Npgsql tells what follows a lost connection only that the transaction is over.</summary>
    [Fact]
    public async Task A_connection_that_was_lost_unnoticed_is_a_failure_of_the_database()
    {
        await using var controller = await TestController.StartAsync();

        await Assert.ThrowsAsync<StoreLostException>(() => controller.Ledger.WriteAsync<bool>("test", async (edit, cancellation) =>
        {
            await Assert.ThrowsAnyAsync<DbException>(() => edit.Database.Database.ExecuteSqlAsync($"SELECT pg_terminate_backend(pg_backend_pid())", cancellation));
            return true;
        }, CancellationToken.None));
    }

    private static int Count(List<string> names, string prefix)
    {
        lock (names)
        {
            return names.Count(name => name.StartsWith(prefix, StringComparison.Ordinal));
        }
    }

    /// <summary>Writes until it is done or refused.</summary>
    private static async Task WriteAsync(ApiClient client, string prefix, int count, List<string> answered)
    {
        for (var i = 0; i < count; i++)
        {
            var (name, octet) = ($"{prefix}{i}", prefix[^1] is 'a' ? 1 : prefix[^1] is 'b' ? 2 : 3 + (prefix[1] - '0'));
            try
            {
                using var answer = await client.SendAsync(HttpMethod.Post, "workloads", new CreateWorkload(name, new Dictionary<string, string>(), [$"10.{octet}.{i / 256}.{i % 256}"]));
                if (!answer.IsSuccessStatusCode)
                {
                    Assert.Equal(503, (int)answer.StatusCode);
                    return;
                }
            }
            catch (Exception gone) when (gone is HttpRequestException or IOException)
            {
                return;
            }

            lock (answered)
            {
                answered.Add(name);
            }
        }
    }
}
