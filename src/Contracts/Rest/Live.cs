namespace Bulkhead.Contracts.Rest;

/// <summary>
/// An event of <c>GET /api/v1/events</c> (server-sent events; the SSE <c>event</c> field is <see cref="Kind"/>). It says that something changed, and the
/// watcher asks for what it shows; at most four a second of one kind.
/// </summary>
/// <param name="Kind"><c>flows</c>, <c>workloads</c>, <c>draft</c>, <c>revision</c> or <c>rollout</c>.</param>
/// <param name="At">When.</param>
public sealed record LiveEvent(string Kind, DateTimeOffset At);

/// <summary><c>GET /api/v1/status</c> (signed in): how the controller is doing.</summary>
/// <param name="Version">Of the controller.</param>
/// <param name="Epoch">Of its policy generations.</param>
/// <param name="Revision">The newest; 0 before the first.</param>
/// <param name="Workloads">How many.</param>
/// <param name="Managed">Of these, with an agent.</param>
/// <param name="Connected">Of these, connected.</param>
/// <param name="Edges">Distinct edges known.</param>
/// <param name="AuthoritySha256">The fingerprint of the CA certificate, which agents and the CLI pin; hex.</param>
/// <param name="AgentUrl">Where agents connect.</param>
public sealed record StatusView(
    string Version,
    ulong Epoch,
    long Revision,
    int Workloads,
    int Managed,
    int Connected,
    long Edges,
    string AuthoritySha256,
    string AgentUrl);
