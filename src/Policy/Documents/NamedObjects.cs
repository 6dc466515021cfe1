using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>The services, networks and label groups of a document, by name, and the reading of what refers to them.</summary>
internal sealed class NamedObjects
{
    private const string NetworkPrefix = "network:";

    private readonly IReadOnlySet<string> _labelKeys;
    private readonly LabelGroups _groups;
    private readonly Dictionary<string, Selector> _selectors = new(StringComparer.Ordinal);

    public NamedObjects(PolicyDocument document, IReadOnlySet<string> labelKeys, List<Diagnostic> problems)
    {
        _labelKeys = labelKeys;
        _groups = LabelGroupParser.Parse(document.LabelGroups, labelKeys, problems);
        var services = new ObjectPaths("services", document.Services.Select(s => s.Name), problems);
        var networks = new ObjectPaths("networks", document.Networks.Select(n => n.Name), problems);
        foreach (var (index, service) in document.Services.Index())
        {
            ServiceNames.Add(service.Name);
            if (ParseService(service, services[index], problems) is { } parsed)
            {
                Services.TryAdd(service.Name, parsed);
            }
        }

        foreach (var (index, network) in document.Networks.Index())
        {
            NetworkNames.Add(network.Name);
            if (NetworkParser.Parse(network, networks[index], problems) is { } parsed)
            {
                Networks.TryAdd(network.Name, parsed);
            }
        }
    }

    public Dictionary<string, Service> Services { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Network> Networks { get; } = new(StringComparer.Ordinal);

    private HashSet<string> ServiceNames { get; } = new(StringComparer.Ordinal);

    private HashSet<string> NetworkNames { get; } = new(StringComparer.Ordinal);

    /// <summary>Finds a network; a name that is nowhere declared is a problem, a broken declaration is reported at its own place.</summary>
    public Network? FindNetwork(string? name, string path, List<Diagnostic> problems)
    {
        if (name is null || !NetworkNames.Contains(name))
        {
            problems.Add(Diagnostic.Error("unknown-network", path, $"There is no network '{name}'. Declare it, or correct the name."));
        }

        return name is null ? null : Networks.GetValueOrDefault(name);
    }

    /// <summary>Finds a service, or makes one of a port's text.</summary>
    public Service? FindService(string? name, string path, List<Diagnostic> problems)
    {
        if (name is not null && ServiceNames.Contains(name))
        {
            return Services.GetValueOrDefault(name);
        }

        var unknown = new List<Diagnostic>();
        if (PortText.Parse(name, path, unknown) is { } port)
        {
            return new(port.ToString(), [port], null);
        }

        problems.Add(name?.Contains('/') == true
            ? unknown[0]
            : Diagnostic.Error("unknown-service", path, $"There is no service '{name}'. Declare it, or write a port such as tcp/443."));
        return null;
    }

    /// <summary>Finds the services of a list that must not be empty; by name, without those that are wrong, which are problems.</summary>
    public EquatableArray<Service> FindServices(IReadOnlyList<string> services, string path, List<Diagnostic> problems)
    {
        if (services.Count == 0)
        {
            problems.Add(Diagnostic.Error("no-services", path, "A service is needed: a name, a port such as tcp/443, or any."));
        }

        return services.Select((name, i) => FindService(name, $"{path}[{i}]", problems)).OfType<Service>()
            .DistinctBy(service => service.Name).OrderBy(service => service.Name, StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>Whether what rules call by this name is a service that asks for the serving process.</summary>
    public bool AsksForProcess(string? name) => name is not null && Services.TryGetValue(name, out var service) && service.Process is not null;

    /// <summary>Whether an end of a rule is a network with domain names, or one that cannot be read.</summary>
    public bool HasDomainNames(string? end) => NetworkOf(end?.Trim()) is { } name && (!Networks.TryGetValue(name, out var network) || network.Fqdn.Count > 0);

    /// <summary>Reads a selector; equal texts give the same object.</summary>
    public Selector? ParseSelector(string? text, string path, List<Diagnostic> problems)
    {
        if (text is not null && _selectors.TryGetValue(text, out var known))
        {
            return known;
        }

        var selector = SelectorText.Parse(text, path, _labelKeys, problems, _groups);
        if (selector is not null)
        {
            _selectors.Add(text!, selector);
        }

        return selector;
    }

    /// <summary>Reads an end of a rule or assertion: a selector or <c>network:NAME</c>.</summary>
    public RuleEnd? ParseEnd(string? text, string path, List<Diagnostic> problems)
    {
        text = text?.Trim() ?? "";
        if (NetworkOf(text) is { } name)
        {
            return FindNetwork(name, path, problems) is { } network ? new RuleEnd.Addresses(network) : null;
        }

        return ParseSelector(text, path, problems) is { } selector ? new RuleEnd.Workloads(selector) : null;
    }

    /// <summary>The network that an end of a rule names; null if it is a selector.</summary>
    internal static string? NetworkOf(string? end) => end?.StartsWith(NetworkPrefix, StringComparison.Ordinal) == true ? end[NetworkPrefix.Length..].Trim() : null;

    /// <summary>Checks names of directory groups; sorted and distinct.</summary>
    public static EquatableArray<string> ParseUsers(IReadOnlyList<string> users, string path, List<Diagnostic> problems)
    {
        foreach (var (index, group) in users.Index().Where(entry => string.IsNullOrWhiteSpace(entry.Item)))
        {
            problems.Add(Diagnostic.Error("bad-user-group", $"{path}[{index}]", $"'{group}' is not the name of a user group."));
        }

        return users.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>Checks a process condition; null with a problem if it is not one.</summary>
    public static ProcessCondition? ParseProcess(ProcessDocument process, string path, List<Diagnostic> problems)
    {
        var before = problems.Count;
        if (process is { Path: null, Unit: null })
        {
            problems.Add(Diagnostic.Error("empty-process", path, "A process needs a path, a unit, or both."));
        }

        if (process.Path is { } executable && (!executable.StartsWith('/') || executable.EndsWith('/') || executable.Any(char.IsControl)))
        {
            problems.Add(Diagnostic.Error("bad-path", $"{path}.path", $"'{executable}' is not the absolute path of an executable, such as /usr/sbin/nginx."));
        }

        if (process.Unit is { } unit && (!unit.Contains('.') || unit.Contains('/') || unit.Any(char.IsControl)))
        {
            problems.Add(Diagnostic.Error("bad-unit", $"{path}.unit", $"'{unit}' is not a systemd unit. Write it with its suffix, such as nginx.service."));
        }

        return problems.Count > before ? null : new(process.Path, process.Unit);
    }

    private static Service? ParseService(ServiceDocument service, string path, List<Diagnostic> problems)
    {
        if (PortText.Parse(service.Name, path, []) is not null)
        {
            problems.Add(Diagnostic.Error("bad-name", $"{path}.name", $"'{service.Name}' reads as a port. Choose another name."));
        }

        var ports = PolicyParser.ParsePorts(service.Ports, $"{path}.ports", problems);
        var process = service.Process is null ? null : ParseProcess(service.Process, $"{path}.process", problems);
        var before = problems.Count;
        CheckStateless(service, path, ports ?? [], problems);
        var helper = HelperOf(service, path, ports ?? [], problems);
        return ports is null || (service.Process is not null && process is null) || problems.Count > before
            ? null
            : new(service.Name, ports.Value, process) { Stateless = service.Stateless, Helper = helper };
    }

    private static ConnectionHelper? HelperOf(ServiceDocument service, string path, EquatableArray<PortMatch> ports, List<Diagnostic> problems)
    {
        if (service.Helper is null)
        {
            return null;
        }

        var helper = ConnectionHelper.Find(service.Helper);
        if (helper is null)
        {
            problems.Add(Diagnostic.Error("unknown-helper", $"{path}.helper", $"There is no helper '{service.Helper}'. There is: {string.Join(", ", ConnectionHelper.All)}."));
        }
        else if (ports.Where(port => !helper.CanFollow(port)).ToList() is { Count: > 0 } others)
        {
            problems.Add(Diagnostic.Error("helper-ports", $"{path}.helper", $"The helper {helper} reads along in connections of {string.Join(" and ", helper.Follows.Select(IpProtocol.NameOf))} to ports by number, not {string.Join(", ", others)}. Name such ports only, and others in a service of their own."));
        }
        else if (ConnectionHelper.CountOf(ports) > ConnectionHelper.MostPorts)
        {
            problems.Add(Diagnostic.Error("helper-ports", $"{path}.helper", $"A helper reads what strangers send to every port of its service, which may be {ConnectionHelper.MostPorts} at most. Name those that the service has."));
        }

        if (service.Process is not null)
        {
            problems.Add(Diagnostic.Error("helper-process", $"{path}.helper", "What is agreed upon may be any process's, so that a service which asks for a process can have no helper. Leave out one of the two."));
        }

        if (service.Stateless)
        {
            problems.Add(Diagnostic.Error("helper-stateless", $"{path}.helper", "A helper reads along in tracked connections, and those of a stateless service are not tracked. Leave out one of the two."));
        }

        return helper;
    }

    private static void CheckStateless(ServiceDocument service, string path, EquatableArray<PortMatch> ports, List<Diagnostic> problems)
    {
        if (service is { Stateless: true, Process: not null })
        {
            problems.Add(Diagnostic.Error("stateless-process", $"{path}.stateless", "A stateless service cannot ask for a process, which is known of tracked connections only. Leave out one of the two."));
        }

        if (service.Stateless && ports.Where(port => !StatelessPorts.Includes(port)).ToList() is { Count: > 0 } others)
        {
            problems.Add(Diagnostic.Error("stateless-ports", $"{path}.stateless", $"Replies of a stateless service are told by its port, which {string.Join(", ", others)} does not say. Name ports of tcp and udp, such as udp/53, or leave out 'stateless'."));
        }
    }
}
