using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>
/// Renders what allows with a helper say (<see cref="ConnectionHelper"/>): a connection that such an allow admits is given the helper and our mark, and a
/// connection that a helper of this name expects, whose parent bears our mark, is admitted from and to the same peers, to ports from 1024. A helper that others gave a connection opens
/// nothing here.
/// <code>
/// in_tcp_21:    peers ─► help_ftp: ct helper set, ct mark set ─► accept
/// in_tcp_40123: ct helper "ftp", our ct mark? ─► in_expected_ftp: peers ─► accept
/// </code>
/// </summary>
/// <param name="document">Gets the chains and helpers.</param>
/// <param name="policy">The policy.</param>
/// <param name="way">Inbound for packets to the host.</param>
/// <param name="mark">The bits of connection marks that say that we gave a connection its helper; children inherit them.</param>
internal sealed class HelperRenderer(DocumentBuilder document, HostPolicy policy, Direction way, uint mark)
{
    private readonly string _name = LogPrefix.TextOf(way);
    private readonly PacketEnd _peer = way == Direction.Inbound ? PacketEnd.Source : PacketEnd.Destination;

    /// <summary>Accepts, and gives the entry's helper if it has one.</summary>
    public Verdict Accept(HostEntry entry)
    {
        if (entry.Helper is not { } helper)
        {
            return new Verdict.Accept();
        }

        var name = $"help_{Identifier(helper)}";
        if (!document.HasChain(name))
        {
            var objects = helper.Follows.Select(protocol => new HelperObject($"{name}_{IpProtocol.NameOf(protocol)}", helper.Name, protocol)).ToList();
            objects.ForEach(document.Helper);
            document.Chain(name, [.. objects.Select(o => new FirewallRule.Help(o.Name)), new FirewallRule.MarkConnection(mark), new FirewallRule.When([], new Verdict.Accept())]);
        }

        return new Verdict.Goto(name);
    }

    /// <summary>What helpers expect, whose parents may be of either direction; nothing in particular is asked of the host's own socket.</summary>
    public IEnumerable<DispatchEntry> Expected()
    {
        var peers = policy.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        foreach (var entries in policy.Entries.Where(entry => entry.Helper is not null).GroupBy(entry => entry.Helper!).OrderBy(group => group.Key.Name, StringComparer.Ordinal))
        {
            var members = entries.Select(entry => entry.Peers).Distinct().Order(StringComparer.Ordinal)
                .SelectMany(set => document.Addresses(DirectionRenderer.PeersName(set), _peer, peers[set].Packed)).ToList();
            if (members.Count > 0)
            {
                var name = $"{_name}_expected_{Identifier(entries.Key)}";
                document.Chain(name, members.Select(member => new FirewallRule.When([member], new Verdict.Accept())));
                yield return new(
                    entries.Key.Expects,
                    [new FirewallRule.When([new Match.ExpectedBy(entries.Key.Name, mark)], new Verdict.Jump(name))]);
            }
        }
    }

    private static string Identifier(ConnectionHelper helper) => helper.Name.Replace('-', '_');
}
