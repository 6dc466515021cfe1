using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

public sealed class AuditChainTests
{
    [Fact]
    public async Task The_log_is_a_chain_that_any_tampering_breaks()
    {
        await using var controller = await TestController.StartAsync();
        using var editor = await controller.EditorAsync();
        for (var i = 0; i < 5; i++)
        {
            await editor.PostAsync<WorkloadView>("workloads", new CreateWorkload($"w{i}", new Dictionary<string, string>(), [$"10.0.0.{i}"]));
        }

        await controller.RestartAsync();
        var log = await ReadAsync(controller);
        Assert.True(log.Count > 5);
        Assert.Null(AuditChain.FirstBroken(log));

        Assert.Equal(3, AuditChain.FirstBroken(Altered(log, 2, row => row.Detail += "!")));
        Assert.Equal(3, AuditChain.FirstBroken(Altered(log, 2, row => row.At += TimeSpan.FromMilliseconds(1))));
        Assert.Equal(3, AuditChain.FirstBroken(Altered(log, 2, row => row.Actor = "somebody else")));
        Assert.Equal(3, AuditChain.FirstBroken(log.Where(row => row.Sequence != 3)));
        Assert.Equal(1, AuditChain.FirstBroken(log.Skip(1)));
    }

    private static async Task<List<AuditRow>> ReadAsync(TestController controller)
    {
        await using var database = await controller.Ledger.ReadAsync(CancellationToken.None);
        return await database.Audit.AsNoTracking().OrderBy(a => a.Sequence).ToListAsync();
    }

    private static List<AuditRow> Altered(List<AuditRow> log, int index, Action<AuditRow> alter)
    {
        var copy = log.Select(row => new AuditRow
        {
            Sequence = row.Sequence, At = row.At, Actor = row.Actor, Action = row.Action, Subject = row.Subject, Detail = row.Detail, Before = row.Before, Hash = row.Hash,
        }).ToList();
        alter(copy[index]);
        return copy;
    }
}
