using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Channel;

/// <summary>The connection in use, made from the identity in use; both are replaced together when the certificate is renewed.</summary>
internal sealed class ControllerLink : IDisposable
{
    private readonly OwnConnections? _own;
    private State _state;

    /// <summary>A link with an identity; connects when it is first used.</summary>
    /// <param name="identity">Who the agent is.</param>
    /// <param name="own">Opens the connections, if they are to be remembered.</param>
    public ControllerLink(Identity identity, OwnConnections? own = null) => (_own, _state) = (own, State.Of(identity, own));

    /// <summary>Who the agent is.</summary>
    public Identity Identity => Volatile.Read(ref _state).Identity;

    /// <summary>The connection to use for the next request.</summary>
    public ControllerClient Client => Volatile.Read(ref _state).Client;

    /// <summary>Whether the policy stream is up.</summary>
    public bool Connected { get; set; }

    /// <summary>From when to when the certificate is valid.</summary>
    public (DateTimeOffset From, DateTimeOffset To) Validity
    {
        get
        {
            using var certificate = Identity.ToCertificate();
            return (certificate.NotBefore, certificate.NotAfter);
        }
    }

    /// <summary>Goes on with a new identity. Requests under way, and the policy stream, end and are made again.</summary>
    public void Replace(Identity identity) => Interlocked.Exchange(ref _state, State.Of(identity, _own)).Client.Dispose();

    /// <inheritdoc/>
    public void Dispose() => Client.Dispose();

    private sealed record State(Identity Identity, ControllerClient Client)
    {
        public static State Of(Identity identity, OwnConnections? own) =>
            new(identity, ControllerClient.Trusting(identity.Controller, identity.ToAuthority(), identity.ToCertificate(), own));
    }
}
