using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;

namespace Bulkhead.Lab;

/// <summary>What a daemon is set up with: its folder, its links, and what the whole lab has in common.</summary>
internal sealed record DaemonSetup(LabBuild Build, LabHost Host, DaemonKind Kind)
{
    /// <summary>The daemon's private folder, owned by its user.</summary>
    public string Folder { get; } = Path.Combine(Host.Folder, Kind.Name);

    /// <summary>The user it runs as.</summary>
    public SystemUser User { get; } = SystemUser.Find(Kind.User);

    /// <summary>The links from this daemon to daemons of a kind, in file order.</summary>
    public IEnumerable<LinkDeclaration> LinksTo(string kind) =>
        Build.Declaration.Links.Where(link => link.From == new DaemonRef(Host.Name, Kind.Name) && link.To.Daemon == kind);

    /// <summary>Whether the daemon is declared to look names up.</summary>
    public bool ResolvesNames => LinksTo("dnsmasq").Any();

    /// <summary>The DNS name of a link's far end, which has addresses of the link's family only.</summary>
    public static string NameOf(LinkDeclaration link) => link.To.Host + (link.Ipv6 ? ".ipv6" : ".ipv4");

    /// <summary>The address of a link's far end, of the link's family.</summary>
    public IPAddress AddressOf(LinkDeclaration link) => Build.Hosts.First(host => host.Name == link.To.Host).Address(link.Ipv6);

    /// <summary>Writes a file into the daemon's folder that only its user can read.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        using (File.Open(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
        }

        File.WriteAllText(path, text);
        User.Own(path);
        return path;
    }

    /// <summary>Runs a tool as the daemon's user, outside any host, in the lab's cgroup.</summary>
    public Task<string> RunAsync(string[] arguments, CancellationToken cancellationToken, string? input = null) =>
        new Invocation(arguments) { Cgroup = Build.Cgroup, User = User.Name, Input = input, Environment = new Dictionary<string, string> { ["TMPDIR"] = Folder } }
            .RunCheckedAsync(cancellationToken);
}

/// <summary>What is made once while a lab is built, and used by several of its daemons.</summary>
internal sealed class LabBuild(LabDeclaration declaration, string folder, Cgroup cgroup, IReadOnlyList<LabHost> hosts)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _made = [];

    public LabDeclaration Declaration => declaration;

    public IReadOnlyList<LabHost> Hosts => hosts;

    /// <summary>Where set-up tools run.</summary>
    public Cgroup Cgroup => cgroup;

    /// <summary>The password of the lab's database users, drawn for this build.</summary>
    public string Password { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>A folder that is filled once, by whoever asks first; everybody gets its path when it is complete.</summary>
    public Task<string> OnceAsync(string name, SystemUser owner, Func<string, Task> fill) =>
        _made.GetOrAdd(name, _ => new(async () =>
        {
            var path = Path.Combine(OpenFolder.Create(Path.Combine(folder, "made")), name);
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            owner.Own(path);
            await fill(path);
            return path;
        })).Value;
}
