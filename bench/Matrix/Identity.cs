using Bulkhead.Lab;
using Bulkhead.Policy;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Bench.Matrix;

/// <summary>One of the processes that each host has: it connects, and serves a TCP and a UDP port of its own.</summary>
/// <param name="Port">What it serves.</param>
/// <param name="Place">Its cgroup, of its own within the unit's, so that it can be started again alone.</param>
/// <param name="Unit">The unit that this is; null for none.</param>
/// <param name="Program">Its executable.</param>
internal sealed record Identity(ushort Port, string Place, string? Unit, string Program)
{
    /// <summary>In a folder that everybody may write to, so that it could be anything.</summary>
    public const string Open = "/run/open/pay";

    /// <summary>Two units, two executables, and all that users may be; the first four differ in pairs.</summary>
    public static IReadOnlyList<Identity> All { get; } =
    [
        new(7001, "pay.service/one", "pay.service", "/run/matrix/pay") { Login = "ann", User = "ann" },
        new(7002, "system.slice/pay.service/two", "pay.service", "/run/matrix/shop") { Login = "bob" },
        new(7003, "shop.service/three", "shop.service", "/run/matrix/pay") { User = "eve" },
        new(7004, "shop.service/four", "shop.service", "/run/matrix/shop"),
        new(7005, "system.slice/five", null, Open),
    ];

    /// <summary>Who signed in, if anybody.</summary>
    public string? Login { get; init; }

    /// <summary>Whom it runs as; null for root. Whoever signed in and is root has used sudo.</summary>
    public string? User { get; init; }

    /// <summary>Who serves a port, if one of these does.</summary>
    public static Identity? Serving(ushort port) => All.FirstOrDefault(identity => identity.Port == port);

    /// <summary>How a puppet plays it.</summary>
    public PuppetRole Role(RunningLab lab) => new(Place)
    {
        Program = Program,
        Login = Login is null ? null : lab.Person(Login).Id,
        User = User is null ? 0 : lab.Person(User).Id,
    };

    /// <summary>What a host knows of its sockets, as far as a rule asks: of an executable that could be anything it still knows the user.</summary>
    public SocketFacts Facts(RunningLab lab, RuleKind kind)
    {
        EquatableArray<string> groups = (Login ?? User) is { } person ? lab.Person(person).Groups.Order(StringComparer.Ordinal).ToEquatableArray() : [];
        return Program != Open ? SocketFacts.Of(Program, Unit, groups)
            : kind == RuleKind.User ? SocketFacts.Of(null, null, groups)
            : Stranger(kind);
    }

    /// <summary>What it knows of sockets whose process it cannot tell: that they are of none of its units, and no more.</summary>
    public static SocketFacts Stranger(RuleKind kind) => kind is RuleKind.UnitInbound or RuleKind.UnitOutbound ? SocketFacts.Of(null, null, []) : SocketFacts.Unidentified;
}
