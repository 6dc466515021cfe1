namespace Bulkhead.Lab;

/// <summary>A lab as its file declares it: hosts and people in file order, links and attacks expanded to single ends.</summary>
public sealed record LabDeclaration(
    IReadOnlyList<HostDeclaration> Hosts, IReadOnlyList<LinkDeclaration> Links, IReadOnlyList<LinkDeclaration> Attacks, IReadOnlyList<Person> People)
{
    /// <summary>The declaration restricted to some hosts; links and attacks that touch another host fall away.</summary>
    public LabDeclaration Only(IReadOnlySet<string> hosts)
    {
        bool Kept(LinkDeclaration link) =>
            hosts.Contains(link.From.Host) && (link.To.Host == DaemonRef.Controller || hosts.Contains(link.To.Host));

        return new(
            [.. Hosts.Where(host => hosts.Contains(host.Name))],
            [.. Links.Where(Kept)],
            [.. Attacks.Where(Kept)],
            People);
    }
}

/// <summary>Somebody of the company's directory, whom every host's name service knows.</summary>
/// <param name="Name">The account.</param>
/// <param name="Id">Its number, the same on every host.</param>
/// <param name="Groups">The directory groups that it is in, in file order.</param>
public sealed record Person(string Name, uint Id, IReadOnlyList<string> Groups);

/// <summary>One host: its labels, and its daemons by kind, in file order.</summary>
public sealed record HostDeclaration(
    string Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<string> Daemons);

/// <summary>A connection from one daemon to another's service.</summary>
/// <param name="From">The daemon that connects.</param>
/// <param name="To">The daemon that serves.</param>
/// <param name="Ipv6">Whether the connection is made over IPv6.</param>
public sealed record LinkDeclaration(DaemonRef From, DaemonRef To, bool Ipv6);

/// <summary>A daemon on a host, written <c>host/daemon</c>.</summary>
public readonly record struct DaemonRef(string Host, string Daemon)
{
    /// <summary>The name of the end that is not a lab host: the controller, on the other side of the uplink.</summary>
    public const string Controller = "controller";

    /// <summary>The agent, which every host may run without listing it among its daemons.</summary>
    public const string Agent = "bulkhead-agent";

    /// <inheritdoc/>
    public override string ToString() => Host == Controller ? Controller : $"{Host}/{Daemon}";
}
