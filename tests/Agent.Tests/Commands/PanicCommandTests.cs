using Bulkhead.Agent.Commands;
using Bulkhead.Agent.State;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Tests.Commands;

public sealed class PanicCommandTests : IDisposable
{
    private const int NoProcess = int.MaxValue;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_starting_agent_is_waited_for_whatever_the_one_before_it_had_written()
    {
        var (state, time) = (_folder.State(), new FakeTime());
        Status(NoProcess).Save(state);
        using var starting = state.Lock();

        var following = PanicCommand.FollowedAsync(state, open: false, time, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(21));

        Assert.Equal("agent-silent", (await Assert.ThrowsAsync<AgentException>(() => following)).Code);
    }

    private static AgentStatus Status(int pid) => new()
    {
        At = default,
        Pid = pid,
        Workload = "w",
        Controller = "c",
        Connected = true,
        Generation = "1.1",
        Inbound = EnforcementMode.Full,
        Outbound = EnforcementMode.Full,
        FailSafe = false,
        CertificateUntil = default,
        BatchesWaiting = 0,
        BatchesDropped = 0,
        EventsLost = 0,
        Tampered = 0,
        Problems = [],
    };
}
