using Bulkhead.Policy;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Policies;

/// <summary>Where this agent itself reaches the controller, which is essential too, whatever the controller believes its addresses to be.</summary>
/// <param name="endpoint">Null if it is reached by a name.</param>
internal sealed class DialledController(ControllerEndpoint? endpoint)
{
    /// <summary>A policy with it.</summary>
    public HostPolicy With(HostPolicy policy) => policy with { Controllers = With(policy.Controllers) };

    /// <summary>Endpoints with it, sorted.</summary>
    public EquatableArray<ControllerEndpoint> With(EquatableArray<ControllerEndpoint> controllers) =>
        endpoint is { } own && !controllers.Contains(own) ? controllers.Append(own).Order().ToEquatableArray() : controllers;
}
