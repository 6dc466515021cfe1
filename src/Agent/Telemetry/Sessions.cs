using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Telemetry;

/// <summary>The connection on which others were agreed upon, as filter rules see it.</summary>
/// <param name="Consumer">Who opened it.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">The provider's own port.</param>
internal readonly record struct Session(IpAddress Consumer, byte Protocol, ushort Port);

/// <summary>Finds on which connection, in the end, another one was agreed upon.</summary>
/// <param name="find">The connection that a packet of a zone belongs to; null if conntrack holds it no more.</param>
internal sealed class Sessions(Func<FlowTuple, ushort, ConntrackRecord?> find)
{
    /// <summary>
    /// The session of a connection that a helper expected; null for any other. Of one that is over already only its first packet is known, with the port that it was sent to where that is
    /// translated.
    /// </summary>
    public Session? Of(in ConntrackRecord expected)
    {
        Session? session = null;
        var parent = expected.Parent;
        for (var i = 0; i < TrackedConnection.MostGenerations && parent is { } first; i++)
        {
            var record = find(first, expected.Zone);
            session = record is { } held ? new(held.Consumer, held.Protocol, held.Port) : new(first.Source, first.Protocol, first.DestinationPort);
            parent = record?.Parent;
        }

        return session;
    }
}
