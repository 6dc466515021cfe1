using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>The essential list, by the letter of the design (section 2, step 1), for new connections.</summary>
internal static class NaiveEssential
{
    /// <summary>What is essential at every host.</summary>
    public static bool Anywhere(bool inbound, IpAddress local, IpAddress peer, byte protocol, int port)
    {
        var peerText = peer.ToString();
        var v6 = peerText.Contains(':', StringComparison.Ordinal);
        var linkLocal = peerText.StartsWith("fe8", StringComparison.Ordinal) || peerText.StartsWith("ff02:", StringComparison.Ordinal);
        return peerText == local.ToString() || peerText == "::1" || peerText.StartsWith("127.", StringComparison.Ordinal)
            || protocol == 2
            || (protocol == 58 && port is 2 or 130 or 131 or 132 or 133 or 134 or 135 or 136 or 143)
            || (protocol == 17 && !v6 && port == (inbound ? 68 : 67))
            || (protocol == 17 && v6 && linkLocal && port == (inbound ? 546 : 547));
    }

    /// <summary>The agent's way to the controller.</summary>
    public static bool Controller(bool inbound, IpAddress peer, byte protocol, int port) =>
        !inbound && protocol == 6 && peer == Estate.Controller.Address && port == Estate.Controller.Port;
}
