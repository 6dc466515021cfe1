using System.Net;

namespace Bulkhead.Controller.Access;

/// <summary>
/// Slows down guessing: after <see cref="Burst"/> failures of one account from one address, or <see cref="AddressBurst"/> of any account from it, a
/// sign-in must wait until a minute has passed since the first of them. Bounded; thread-safe.
/// </summary>
public sealed class SignInThrottle(TimeProvider time)
{
    /// <summary>Failures of one account from one address in a window.</summary>
    public const int Burst = 5;

    /// <summary>Failures from one address in a window.</summary>
    public const int AddressBurst = 20;

    private const int MaxTracked = 10_000;
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);
    private readonly Dictionary<(IPAddress Address, string? Account), (int Failures, DateTimeOffset Ends)> _windows = [];
    private readonly Lock _lock = new();

    /// <summary>Counts an attempt before it is checked, so that parallel guesses count too.</summary>
    /// <returns>How long to wait; zero if the attempt may be made.</returns>
    public TimeSpan Begin(IPAddress address, string account)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            if (_windows.Count >= MaxTracked)
            {
                foreach (var (key, _) in _windows.Where(pair => pair.Value.Ends <= now).ToList())
                {
                    _windows.Remove(key);
                }
            }

            var wait = Wait((address, account), Burst, now);
            wait = wait > TimeSpan.Zero ? wait : Wait((address, null), AddressBurst, now);
            if (wait > TimeSpan.Zero || _windows.Count >= MaxTracked)
            {
                return wait > TimeSpan.Zero ? wait : s_window;
            }

            Count((address, account), now);
            Count((address, null), now);
            return TimeSpan.Zero;
        }
    }

    /// <summary>Forgives the attempts of an account that signed in.</summary>
    public void Succeeded(IPAddress address, string account)
    {
        lock (_lock)
        {
            if (_windows.Remove((address, account), out var own) && _windows.TryGetValue((address, null), out var all))
            {
                _windows[(address, null)] = (Math.Max(0, all.Failures - own.Failures), all.Ends);
            }
        }
    }

    private TimeSpan Wait((IPAddress, string?) key, int burst, DateTimeOffset now) =>
        _windows.TryGetValue(key, out var window) && window.Ends > now && window.Failures >= burst ? window.Ends - now : TimeSpan.Zero;

    private void Count((IPAddress, string?) key, DateTimeOffset now) =>
        _windows[key] = _windows.TryGetValue(key, out var window) && window.Ends > now ? (window.Failures + 1, window.Ends) : (1, now + s_window);
}
