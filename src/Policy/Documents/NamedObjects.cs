using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>The services and networks of a document, by name, for rules to refer to.</summary>
internal sealed class NamedObjects
{
    private const int MaxNameLength = 128;

    public NamedObjects(PolicyDocument document, List<Diagnostic> problems)
    {
        CheckNames(document.Services.Select(s => s.Name), "services", problems);
        CheckNames(document.Networks.Select(n => n.Name), "networks", problems);
        foreach (var service in document.Services)
        {
            ServiceNames.Add(service.Name);
            if (ParseService(service, problems) is { } parsed)
            {
                Services[service.Name] = parsed;
            }
        }

        foreach (var network in document.Networks)
        {
            NetworkNames.Add(network.Name);
            if (NetworkParser.Parse(network, problems) is { } parsed)
            {
                Networks[network.Name] = parsed;
            }
        }
    }

    public Dictionary<string, Service> Services { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Network> Networks { get; } = new(StringComparer.Ordinal);

    private HashSet<string> ServiceNames { get; } = new(StringComparer.Ordinal);

    private HashSet<string> NetworkNames { get; } = new(StringComparer.Ordinal);

    public static void CheckNames(IEnumerable<string> names, string kind, List<Diagnostic> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var name in names)
        {
            if (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name.Any(char.IsControl) || name.Trim().Length != name.Length || name.Contains('/'))
            {
                problems.Add(Diagnostic.Error("bad-name", $"{kind}[{index}].name", $"'{name}' is not a name. A name has 1 to {MaxNameLength} characters, no '/', no white space at either end."));
            }
            else if (!seen.Add(name))
            {
                problems.Add(Diagnostic.Error("duplicate-name", $"{kind}[{name}]", $"The name '{name}' stands twice. Rename one of the two."));
            }

            index++;
        }
    }

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

    private static Service? ParseService(ServiceDocument service, List<Diagnostic> problems)
    {
        var path = $"services[{service.Name}]";
        if (PortText.Parse(service.Name, path, []) is not null)
        {
            problems.Add(Diagnostic.Error("bad-name", $"{path}.name", $"'{service.Name}' reads as a port. Choose another name."));
        }

        var ports = PolicyParser.ParsePorts(service.Ports, $"{path}.ports", problems);
        var process = service.Process is null ? null : ParseProcess(service.Process, $"{path}.process", problems);
        return ports is null || (service.Process is not null && process is null) ? null : new(service.Name, ports.Value, process);
    }
}
