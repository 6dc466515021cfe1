using Bulkhead.Policy.Addresses;
using Google.Protobuf;

namespace Bulkhead.Agent.Reporting;

/// <summary>Somebody who is signed in.</summary>
/// <param name="User">The user's name.</param>
/// <param name="Kind">ssh, rdp, console or terminal.</param>
/// <param name="Line">Such as pts/0; empty if not known.</param>
/// <param name="Remote">From where; null for the host itself.</param>
/// <param name="Port">The host's own port of a session over the network, else 0.</param>
/// <param name="Since">Unix seconds; 0 if not known.</param>
internal sealed record UserSession(string User, string Kind, string Line, IpAddress? Remote, ushort Port, long Since)
{
    /// <summary>The wire form.</summary>
    public Contracts.Agent.UserSession ToWire() => new()
    {
        User = User,
        Kind = Kind,
        Line = Line,
        Remote = Remote is { } remote ? ByteString.CopyFrom(remote.ToBytes()) : ByteString.Empty,
        Port = Port,
        SinceUnixMs = Since * 1000,
    };
}
