using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>Draws the rules of an estate.</summary>
internal sealed class EstateRules
{
    private readonly Random _random;
    private readonly EstateWorkloads _workloads;
    private readonly EstateApp[] _apps;
    private readonly EstatePlace[] _estateWide;
    private readonly Dictionary<string, EstatePlace> _places;
    private readonly SpecialRules _special;
    private readonly IReadOnlyList<string> _services;

    public EstateRules(EstateShape shape, EstateApp[] apps, EstateWorkloads workloads, IReadOnlyList<string> services, IReadOnlyList<string> processServices, IReadOnlyList<string> networks, Random random)
    {
        (_random, _workloads, _apps, _services) = (random, workloads, apps, services);
        _estateWide = [.. EstatePlace.EstateWide(shape.Rules / 20, random)];
        _places = apps.SelectMany(EstatePlace.Of).Concat(_estateWide).ToDictionary(place => place.Name, StringComparer.Ordinal);
        _special = new(this, processServices, networks, random);
    }

    /// <summary>What rules are drawn for: every ruleset's scope.</summary>
    public IEnumerable<EstatePlace> Places => _places.Values;

    /// <summary>The place that a ruleset was made at.</summary>
    public EstatePlace Place(string ruleset) => _places[ruleset];

    /// <summary>The class of the n-th of many rules: 70 of 100 within an application, 20 across, 5 estate-wide, 5 special.</summary>
    public static RuleClass ClassOf(int n) => (n % 20) switch
    {
        < 14 => RuleClass.WithinApp,
        < 18 => RuleClass.AcrossApps,
        18 => RuleClass.EstateWide,
        _ => RuleClass.Special,
    };

    /// <summary>A ruleset in which a rule of a class may stand; large applications have more rules.</summary>
    public EstatePlace DrawPlace(RuleClass kind)
    {
        if (kind == RuleClass.EstateWide || (kind == RuleClass.Special && _random.Next(10) == 0))
        {
            return _estateWide[_random.Next(_estateWide.Length)];
        }

        // A cell's environment, or the whole application; cells alike, so that an application's rules go by its parts, not by its size.
        var cell = _workloads.Cells[_random.Next(_workloads.Cells.Length)];
        return _places[_random.Next(4) == 0 ? cell.App.Name : $"{cell.App.Name}-{cell.Env}"];
    }

    /// <summary>A rule of a class for a ruleset.</summary>
    public RuleDocument Draw(RuleClass kind, EstatePlace place, long id)
    {
        var rule = kind switch
        {
            RuleClass.WithinApp => new() { From = DrawEnd(place, orAll: true), To = DrawEnd(place) },
            RuleClass.AcrossApps => DrawAcross(place),
            RuleClass.EstateWide => DrawEstateWide(place),
            _ => _special.Draw(place),
        };
        return rule with
        {
            Id = id,
            Services = rule.Services.Count > 0 ? rule.Services : DrawServices(),
            Action = kind == RuleClass.Special ? rule.Action : DrawAction(),
            Owner = place.App?.Team ?? "security",
            Reason = kind.ToString(),
            Expires = _random.Next(100) == 0 ? Estate.Now.AddDays(_random.Next(1, 365)) : null,
        };
    }

    /// <summary>Mostly allow.</summary>
    public string DrawAction() => _random.Next(100) switch { < 93 => "allow", < 98 => "deny", _ => "override-deny" };

    /// <summary>One to three services, by name or as ports.</summary>
    public IReadOnlyList<string> DrawServices() =>
        [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => _random.Next(5) < 3 ? _services[_random.Next(_services.Count)] : EstateNames.DrawPort(_random)).Distinct()];

    /// <summary>An end within a ruleset's scope: a role, sometimes two, sometimes narrowed by location, environment or cluster.</summary>
    public string DrawEnd(EstatePlace place, bool orAll = false)
    {
        var roles = place.App?.Roles ?? EstateApp.AllRoles;
        if (orAll && _random.Next(30) == 0)
        {
            return "all";
        }

        var (first, second) = (roles[_random.Next(roles.Count)], roles[_random.Next(roles.Count)]);
        var role = _random.Next(5) == 0 && first != second ? $"role={first}|{second}" : $"role={first}";
        if (place.App is null)
        {
            return role;
        }

        if (!place.Bound.Contains("env") && _random.Next(3) == 0)
        {
            role += $",env={place.App.Places[_random.Next(place.App.Places.Count)].Env}";
        }

        return _random.Next(25) switch
        {
            0 => $"{role},cluster={_workloads.DrawCell().Labels(0, _random)["cluster"]}",
            1 or 2 => $"{role},loc={place.App.Places[_random.Next(place.App.Places.Count)].Loc}",
            _ => role,
        };
    }

    /// <summary>An end in another application, the popular ones more often, mostly in the same environment.</summary>
    public string DrawElsewhere(EstatePlace place)
    {
        var app = _apps[(int)(_apps.Length * _random.NextDouble() * _random.NextDouble())];
        var env = place.Env is { } same && app.Envs.Contains(same) ? same : app.Places[_random.Next(app.Places.Count)].Env;
        var role = app.Roles[_random.Next(app.Roles.Count)];
        return _random.Next(4) == 0 ? $"app={app.Name},role={role}" : $"app={app.Name},env={env},role={role}";
    }

    private RuleDocument DrawAcross(EstatePlace place) => _random.Next(2) == 0
        ? new() { From = DrawEnd(place), To = DrawElsewhere(place), Within = "from" }
        : new() { From = DrawElsewhere(place), To = DrawEnd(place), Within = "to" };

    private RuleDocument DrawEstateWide(EstatePlace place) => _random.Next(20) switch
    {
        0 => new() { From = "all", To = DrawEnd(place) },
        1 => new() { From = DrawEnd(place), To = "all" },
        _ => new() { From = DrawEnd(place), To = DrawEnd(place) },
    };
}
