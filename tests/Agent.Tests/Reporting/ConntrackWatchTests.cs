using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Reporting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Reporting;

public sealed class ConntrackWatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Problems _problems = new(() => { });
    private readonly ConntrackWatch _watch;

    public ConntrackWatchTests()
    {
        Directory.CreateDirectory(_folder["proc/sys/net/netfilter"]);
        _watch = new(new ConntrackCounts(_folder.Path), _problems, TimeProvider.System, NullLogger.Instance);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_is_said_at_80_percent_and_taken_back_below_70()
    {
        (int Count, bool Said)[] course = [(0, false), (799, false), (800, true), (1000, true), (700, true), (699, false), (799, false), (801, true)];
        foreach (var (count, said) in course)
        {
            Assert.Equal(said, Looked(count));
        }

        Assert.Equal(1000, _watch.Peak);
        Assert.Contains("nf_conntrack_max=2000", Assert.Single(_problems.Current).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_conntrack_nothing_is_said()
    {
        _watch.Look();
        Assert.Empty(_problems.Current);
        Assert.Equal(default, _watch.Use);
    }

    private bool Looked(int count)
    {
        File.WriteAllText(_folder["proc/sys/net/netfilter/nf_conntrack_count"], $"{count}\n");
        File.WriteAllText(_folder["proc/sys/net/netfilter/nf_conntrack_max"], "1000\n");
        _watch.Look();
        return _problems.Current.Any(problem => problem.Code == "conntrack-nearly-full");
    }
}
