using System.Runtime.CompilerServices;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

/// <summary>
/// Policy to script, reviewed by eye; the firewall tests give the same files to the real nft. Files are changed by hand:
/// a failing test leaves what it got beside the test's program.
/// </summary>
public class GoldenTests
{
    private static readonly HostPolicy _policy = Make(
        default,
        [
            Entry(Direction.Inbound, RuleAction.OverrideDeny, 7, 2, PortMatch.Any),
            Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443), Range(IpProtocol.Icmp, 8, 8), Range(IpProtocol.IcmpV6, 128, 128)),
            Entry(Direction.Inbound, RuleAction.Allow, 2, 1, Range(IpProtocol.Tcp, 8000, 8080)),
            Entry(Direction.Inbound, RuleAction.Deny, 9, 0, PortMatch.Whole(IpProtocol.Tcp)),
            Entry(Direction.Outbound, RuleAction.Allow, 3, 1, PortMatch.Tcp(5432), PortMatch.Udp(53)),
        ],
        Hosts("10.0.0.2", "10.0.0.3", "fd00::2"),
        Hosts("10.1.0.0/16", "10.0.0.9"),
        Hosts("192.0.2.0/24"));

    [Fact]
    public void Visibility() => Agrees(_policy with { QuarantinedPeers = Hosts("10.0.0.66", "fd00::66") });

    [Fact]
    public void Selective_inbound() => Agrees(_policy with { Modes = new(EnforcementMode.Selective, EnforcementMode.Visibility) });

    [Fact]
    public void Full() => Agrees(_policy with
    {
        Modes = new(EnforcementMode.Full, EnforcementMode.Full),
        Controllers = [new(IpAddress.Parse("10.0.0.250"), 8444)],
        FailSafe = [new(Hosts("10.9.0.0/24"), [PortMatch.Tcp(22)])],
    });

    [Fact]
    public void Quarantined() => Agrees(_policy with
    {
        Quarantined = true,
        Responders = Hosts("10.8.0.5"),
        Controllers = [new(IpAddress.Parse("10.0.0.250"), 8444)],
    });

    private static void Agrees(HostPolicy policy, [CallerMemberName] string name = "")
    {
        var actual = NftScript.Replace(FirewallRenderer.Render(policy, NameLookups.None));
        var file = Path.Combine(AppContext.BaseDirectory, "Golden", $"{name.ToLowerInvariant().Replace('_', '-')}.nft");
        var expected = File.Exists(file) ? File.ReadAllText(file) : "";
        if (expected != actual)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText($"{file}.actual", actual);
        }

        Assert.Equal(expected, actual);
    }
}
