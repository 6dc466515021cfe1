using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Whether a kernel has a helper, as far as can be told without loading it: loaded, it would be there for every network namespace of the host.</summary>
internal enum HelperPresence
{
    /// <summary>It is not there, or must not be offered.</summary>
    Missing,

    /// <summary>It is in the kernel, or nothing can be loaded, so that asking nft loads nothing.</summary>
    MayBeAsked,

    /// <summary>It is loaded once a rule needs it.</summary>
    Loadable,
}

/// <summary>Reads from files which of the kernel's helpers are built in, loaded or loadable, and whether their parameters keep what policy promises.</summary>
/// <param name="root">Where the host's files are.</param>
/// <param name="release">The kernel's release, as uname has it.</param>
internal sealed class HelperModules(string root, string release)
{
    private static readonly string[] _configurations = ["etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"];

    // Others than these let parties name a third host, or let anybody connect (net/netfilter/nf_conntrack_ftp.c, nf_conntrack_sip.c).
    private static readonly (string Helper, string Parameter, string Safe)[] _parameters =
    [
        ("ftp", "loose", "N"),
        ("sip", "sip_direct_media", "1"),
        ("sip", "sip_direct_signalling", "1"),
        ("sip", "sip_external_media", "0"),
    ];

    /// <summary>Those of the kernel that runs.</summary>
    public static HelperModules OfThisHost() => new("/", File.ReadAllText("/proc/sys/kernel/osrelease").Trim());

    /// <summary>Whether a helper is there; and if it could be but is not offered, why.</summary>
    public (HelperPresence Presence, string? Why) Of(ConnectionHelper helper)
    {
        var module = $"nf_conntrack_{Normal(helper.Name)}";
        var wrong = Parameters(helper, module).FirstOrDefault();
        if (wrong is not null)
        {
            return (HelperPresence.Missing, wrong);
        }

        var modules = Path.Combine(root, "lib/modules", release);
        if (!Directory.Exists(modules) || Directory.Exists(Path.Combine(root, "sys/module", module)) || IsBuiltIn(modules, module))
        {
            return (HelperPresence.MayBeAsked, null);
        }

        return !Lines(Path.Combine(modules, "modules.alias")).Any(line => line.Split(' ') is ["alias", var alias, ..] && Normal(alias) == $"nfct_helper_{Normal(helper.Name)}") ? (HelperPresence.Missing, null)
            : Obstacle(module) is { } obstacle ? (HelperPresence.Missing, obstacle)
            : (HelperPresence.Loadable, null);
    }

    private static bool IsBuiltIn(string modules, string module) =>
        Lines(Path.Combine(modules, "modules.builtin")).Any(line => Normal(Path.GetFileNameWithoutExtension(line.Trim())) == module);

    /// <summary>What speaks against parameters of a module that is there.</summary>
    private IEnumerable<string> Parameters(ConnectionHelper helper, string module) =>
        from parameter in _parameters
        where parameter.Helper == helper.Name
        let file = Path.Combine(root, "sys/module", module, "parameters", parameter.Parameter)
        where File.Exists(file)
        let value = File.ReadAllText(file).Trim()
        where value != parameter.Safe
        select $"{module} has {parameter.Parameter}={value}, with which more than the session's two ends is let in. Load it with {parameter.Parameter}={parameter.Safe}, and restart the agent";

    /// <summary>Why a module that is not loaded may not be loadable, or may come with other parameters; what its configuration amounts to is not guessed.</summary>
    private string? Obstacle(string module)
    {
        if (Lines(Path.Combine(root, "proc/sys/kernel/modules_disabled")).FirstOrDefault() == "1")
        {
            return $"{module} is not loaded, and the kernel loads no modules any more";
        }

        var files = _configurations.Select(folder => Path.Combine(root, folder)).Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.conf"));
        var configured = files.Order(StringComparer.Ordinal).FirstOrDefault(file => Lines(file).Any(line => Configures(line, module)))
            ?? Lines(Path.Combine(root, "proc/cmdline")).Where(line => Normal(line).Contains(module, StringComparison.Ordinal)).Select(_ => "the kernel's command line").FirstOrDefault();
        return configured is null ? null : $"{module} is not loaded, and {configured} says something about it. Load it at boot (/etc/modules-load.d) to have it looked at, and restart the agent";
    }

    private static bool Configures(string line, string module) =>
        line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is ["options" or "blacklist" or "install" or "softdep", var named, ..] && Normal(named) == module;

    private static string Normal(string name) => name.Replace('-', '_');

    private static IEnumerable<string> Lines(string file) => File.Exists(file) ? File.ReadLines(file) : [];
}
