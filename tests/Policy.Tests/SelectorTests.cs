using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests;

/// <summary>What selectors choose and what ports cover.</summary>
public class SelectorTests
{
    [Theory]
    // selector                      labels                    chosen
    [InlineData("all", "", true)]
    [InlineData("all", "role=web", true)]
    [InlineData("role=web", "role=web", true)]
    [InlineData("role=web", "role=db", false)]
    [InlineData("role=web", "", false)]
    [InlineData("role=web", "app=web", false)]
    [InlineData("role=web|db", "role=db", true)]
    [InlineData("role=web|db", "role=lb", false)]
    [InlineData("role!=web", "role=db", true)]
    [InlineData("role!=web", "role=web", false)]
    [InlineData("role!=web", "", true)]
    [InlineData("role!=web|db", "role=db", false)]
    [InlineData("role!=web|db", "app=web", true)]
    [InlineData("role=*", "role=web", true)]
    [InlineData("role=*", "app=web", false)]
    [InlineData("role=web,env=prod", "role=web,env=prod", true)]
    [InlineData("role=web,env=prod", "role=web", false)]
    [InlineData("role=web,env!=prod", "role=web", true)]
    [InlineData("role=*,role!=web", "role=db", true)]
    [InlineData("role=*,role!=web", "role=web", false)]
    [InlineData("role=*,role!=web", "", false)]
    [InlineData(" role = web | db , env = prod ", "role=db,env=prod", true)]
    public void A_selector_chooses_by_labels(string selector, string labels, bool chosen)
    {
        var problems = new List<Diagnostic>();
        var parsed = SelectorText.Parse(selector, "selector", World.Keys, problems);
        Assert.Empty(problems);
        Assert.Equal(chosen, parsed!.Matches(new World().Host("w", labels).Workloads[0].Labels));
    }

    [Theory]
    // written        covers                     does not
    [InlineData("any", "tcp/1 udp/65535 icmp/8 47", "")]
    [InlineData("tcp", "tcp/1 tcp/65535", "udp/1 sctp/1 icmp/8")]
    [InlineData("tcp/443", "tcp/443", "tcp/442 tcp/444 udp/443")]
    [InlineData("udp/8000-8100", "udp/8000 udp/8050 udp/8100", "udp/7999 udp/8101 tcp/8050")]
    [InlineData("sctp/80", "sctp/80", "tcp/80")]
    [InlineData("icmp/8", "icmp/8", "icmp/0 icmpv6/8")]
    [InlineData("icmpv6", "icmpv6/0 icmpv6/255", "icmp/0")]
    [InlineData("47", "47", "50 tcp/47")]
    [InlineData("6", "tcp/1", "udp/1")]
    public void A_port_covers_its_protocols_range(string written, string covered, string others)
    {
        var match = Port(written);
        Assert.All(covered.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Port), port => Assert.True(match.Matches(port.Protocol, port.First), $"{port}"));
        Assert.All(others.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Port), port => Assert.False(match.Matches(port.Protocol, port.First), $"{port}"));
        Assert.Equal(match, Port(match.ToString()));
    }

    private static PortMatch Port(string text)
    {
        var problems = new List<Diagnostic>();
        var match = PortText.Parse(text, "port", problems);
        Assert.Empty(problems);
        return match!.Value;
    }
}
