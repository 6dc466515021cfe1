using System.Net;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Access;

/// <summary>
/// Slows down guessing: after <see cref="Burst"/> failures of one account from one source, or <see cref="AddressBurst"/> of any account from it, a
/// sign-in must wait until a minute has passed since the first of them. Accounts are kept as hashes: people type passwords into the wrong field.
/// Bounded; thread-safe.
/// </summary>
public sealed class SignInThrottle(TimeProvider time)
{
    /// <summary>Failures of one account from one source in a window.</summary>
    public const int Burst = 5;

    /// <summary>Failures from one source in a window.</summary>
    public const int AddressBurst = 20;

    private readonly AttemptWindows<(IpPrefix Source, string? Account)> _windows = new(time);
    private readonly Lock _lock = new();

    /// <summary>Counts an attempt before it is checked, so that parallel guesses count too.</summary>
    /// <returns>How long to wait; zero if the attempt may be made.</returns>
    public TimeSpan Begin(IPAddress address, string account)
    {
        var (own, all) = Keys(address, account);
        lock (_lock)
        {
            var wait = _windows.Wait(own, Burst);
            wait = wait > TimeSpan.Zero ? wait : _windows.Wait(all, AddressBurst);
            if (wait > TimeSpan.Zero)
            {
                return wait;
            }

            _windows.Add(own);
            _windows.Add(all);
            return TimeSpan.Zero;
        }
    }

    /// <summary>Forgives the attempts of an account that signed in.</summary>
    public void Succeeded(IPAddress address, string account)
    {
        var (own, all) = Keys(address, account);
        lock (_lock)
        {
            _windows.Forgive(all, _windows.Forgive(own, Burst));
        }
    }

    private static ((IpPrefix, string?) Own, (IpPrefix, string?) All) Keys(IPAddress address, string account)
    {
        var source = Sources.Of(address);
        return ((source, Secrets.Hash(account)), (source, null));
    }
}
