namespace Bulkhead.Lab;

/// <summary>One attempt of an attacker, and how it went.</summary>
/// <param name="From">The host it was made from.</param>
/// <param name="To">The server, as <c>host/daemon</c>.</param>
/// <param name="Address">The address that was tried.</param>
/// <param name="Port">The port.</param>
/// <param name="Result">How it ended. A connection that was made counts even if the server then said nothing.</param>
public sealed record AttackResult(string From, string To, string Address, int Port, ProbeResult Result);

/// <summary>Tries connections that nobody should be able to make, speaking the servers' own protocols.</summary>
public static class Attack
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Makes the lab's attacks, all at the same time.</summary>
    /// <param name="lab">The lab.</param>
    /// <param name="from">The attacking host; null for those that the lab file names.</param>
    /// <param name="to">The targets, as <c>host/daemon</c>; null for those that the lab file names.</param>
    /// <param name="ipv6">Whether to attack over IPv6.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The results in the order of the targets.</returns>
    /// <exception cref="LabException">There is no such host or service.</exception>
    public static async Task<IReadOnlyList<AttackResult>> RunAsync(
        RunningLab lab, string? from, IReadOnlyCollection<string>? to, bool ipv6, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lab);
        var attacker = from ?? lab.Attacks.Select(attack => attack.From.Host).FirstOrDefault()
            ?? throw new LabException("the lab file names no attacker: say --from HOST");
        var targets = to ?? [.. lab.Attacks.Where(attack => from is not null || attack.From.Host == attacker).Select(attack => $"{attack.To.Host}/{attack.To.Daemon}").Distinct()];
        return await Task.WhenAll(targets.Select(async target =>
        {
            var service = lab.FindService(target);
            var endPoint = service.EndPoint(ipv6);
            var result = await ServiceProbe.TryAsync(lab[attacker].Network, endPoint, service.Wire, Timeout, cancellationToken);
            return new AttackResult(attacker, target, endPoint.Address.ToString(), endPoint.Port, result);
        }));
    }
}
