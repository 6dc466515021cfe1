using Bulkhead.Agent.Names;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Google.Protobuf;

namespace Bulkhead.Agent.Tests.Names;

public sealed class NameTableTests
{
    private readonly FakeTime _time = new();
    private readonly NameTable _names;

    public NameTableTests() => _names = new NameTable(16, _time);

    [Fact]
    public void A_name_holds_as_long_as_its_answer_says_and_at_least_a_while()
    {
        Learn("short.example", "192.0.2.1", 1);
        Learn("long.example", "192.0.2.2", 3600);
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal("short.example", _names.Find(IpAddress.Parse("192.0.2.1")));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(_names.Find(IpAddress.Parse("192.0.2.1")));
        Assert.Equal("long.example", _names.Find(IpAddress.Parse("192.0.2.2")));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Null(_names.Find(IpAddress.Parse("192.0.2.2")));
    }

    [Fact]
    public void The_last_answer_counts()
    {
        Learn("old.example", "192.0.2.1", 3600);
        Learn("new.example", "192.0.2.1", 3600);
        Assert.Equal("new.example", _names.Find(IpAddress.Parse("192.0.2.1")));
    }

    [Fact]
    public void However_many_answers_come_it_stays_within_its_bound_and_keeps_what_lasts_longest()
    {
        Learn("kept.example", "198.51.100.1", 86_400);
        for (var i = 0; i < 1000; i++)
        {
            Learn($"n{i}.example", $"10.0.{i / 250}.{(i % 250) + 1}", 60);
        }

        Assert.InRange(_names.Count, 1, 16);
        Assert.Equal("kept.example", _names.Find(IpAddress.Parse("198.51.100.1")));
    }

    [Fact]
    public void A_batch_gets_each_name_of_its_remote_addresses_once()
    {
        Learn("a.example", "192.0.2.1", 60);
        var batch = new FlowBatch();
        foreach (var (address, port) in new[] { ("192.0.2.1", 80u), ("192.0.2.1", 443u), ("192.0.2.9", 443u) })
        {
            batch.Flows.Add(new FlowSummary { RemoteAddress = ByteString.CopyFrom(IpAddress.Parse(address).ToBytes()), Port = port });
        }

        _names.AddTo(batch);
        Assert.Equal("a.example", Assert.Single(batch.Names).Name);
    }

    private void Learn(string name, string address, uint seconds) => _names.Learn(name, [new(IpAddress.Parse(address), seconds)]);
}
