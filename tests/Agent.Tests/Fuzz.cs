using System.Globalization;

namespace Bulkhead.Agent.Tests;

/// <summary>
/// Random damage to bytes: the same in every run unless <c>BULKHEAD_SEED</c> names another seed, and <c>BULKHEAD_RUNS</c> times as much of it.
/// </summary>
internal static class Fuzz
{
    /// <summary>Checks something of damaged copies; a failure tells the number by which it comes again.</summary>
    public static void Check(int count, Action<Random> property)
    {
        var seed = (int)Setting("BULKHEAD_SEED", 2026);
        for (var i = 0; i < count * Setting("BULKHEAD_RUNS", 1); i++)
        {
            try
            {
                property(new Random(unchecked((seed * 1_000_003) + i)));
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"Case {i} of seed {seed} fails: {failure.Message}", failure);
            }
        }
    }

    /// <summary>A copy with up to four bits turned, bytes set, or pieces cut out, doubled or put elsewhere.</summary>
    public static byte[] Damage(byte[] bytes, Random random)
    {
        var damaged = bytes.ToList();
        for (var i = random.Next(4) == 0 ? random.Next(2, 5) : 1; i > 0 && damaged.Count > 0; i--)
        {
            var (at, length) = (random.Next(damaged.Count), random.Next(1, 9));
            length = Math.Min(length, damaged.Count - at);
            switch (random.Next(10))
            {
                case < 4:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case < 7:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 7:
                    damaged.RemoveRange(at, length);
                    break;
                case 8:
                    damaged.InsertRange(random.Next(damaged.Count), damaged.GetRange(at, length));
                    break;
                default:
                    damaged.RemoveRange(at, damaged.Count - at);
                    break;
            }
        }

        return [.. damaged];
    }

    private static long Setting(string name, long usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : usual;
}
