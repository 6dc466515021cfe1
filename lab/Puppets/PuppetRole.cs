namespace Bulkhead.Lab;

/// <summary>Who a puppet is: where in the host's cgroups it runs, which program it is, and whose.</summary>
/// <param name="Place">Its own cgroup below the host's, such as <c>pay.service/first</c>: it is of the last unit on that path.</param>
public sealed record PuppetRole(string Place)
{
    /// <summary>The executable: Perl, or a copy of it (<see cref="LabHost.InstallAsync"/>).</summary>
    public string Program { get; init; } = Puppet.Perl;

    /// <summary>Who signed in; null for nobody.</summary>
    public uint? Login { get; init; }

    /// <summary>Whom it runs as.</summary>
    public uint User { get; init; }
}
