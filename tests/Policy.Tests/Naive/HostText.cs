using Bulkhead.Policy.Compile;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Compiled policy as text that holds every field, so that two that differ anywhere differ here.</summary>
internal static class HostText
{
    public static string Of(HostPolicy host) => string.Join('\n',
    [
        $"{host.Generation} {host.Modes} quarantined={host.Quarantined} requires {string.Join(' ', host.RequiredFeatures)}",
        $"responders {string.Join(' ', host.Responders)}; quarantined peers {string.Join(' ', host.QuarantinedPeers)}; controllers {string.Join(' ', host.Controllers)}",
        .. host.FailSafe.Select(f => $"fail-safe {string.Join(' ', f.Sources)} to {string.Join(' ', f.Ports)}"),
        .. host.Entries.Select(e => $"{e.Direction} {e.Action} {e.Rule} {e.Peers} {string.Join(' ', e.Ports)} by {e.Process} of {string.Join(' ', e.Users)} unidentified={e.UnidentifiedMatches} stateless={e.Stateless} helper={e.Helper}"),
        .. host.PeerSets.Select(s => $"set {s.Name} {s.Digest:x16} {string.Join(' ', s.Members)}"),
    ]);

    /// <summary>All that a compilation says, host by host, then what was left out and what is wrong.</summary>
    public static IReadOnlyList<string> Of(CompiledPolicy compiled) =>
    [
        .. compiled.Hosts.OrderBy(h => h.Key).Select(h => $"{h.Key} {Of(h.Value)}"),
        .. compiled.LeftOut.Select(l => l.ToString()),
        .. compiled.Diagnostics.Select(d => d.ToString()),
        $"next expiry {compiled.NextExpiry:O}",
    ];
}
