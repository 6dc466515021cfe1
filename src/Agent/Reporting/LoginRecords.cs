using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Reporting;

/// <summary>A line on which somebody is signed in, as utmp has it.</summary>
/// <param name="User">The user's name.</param>
/// <param name="Line">Such as tty1 or pts/0.</param>
/// <param name="Remote">From where, or null.</param>
/// <param name="Since">Unix seconds.</param>
internal sealed record LoginRecord(string User, string Line, IpAddress? Remote, long Since);

/// <summary>Reads utmp(5), in glibc's layout for 64-bit machines. Bounded; what is not understood is left out.</summary>
internal static class LoginRecords
{
    /// <summary>Where it is; systems without it have no lines to tell of.</summary>
    public const string Standard = "/run/utmp";

    private const int Most = 1000;
    private const short UserProcess = 7;

    // On x86-64 times have 32 bits, as in its 32-bit programs (bits/wordsize.h).
    private static readonly (int Length, int Time, int Address) _layout =
        RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (384, 340, 348) : (400, 344, 360);

    /// <summary>Who is signed in on which line; empty if there is no such file.</summary>
    public static IReadOnlyList<LoginRecord> Read(string path = Standard)
    {
        try
        {
            using var file = File.OpenRead(path);
            var content = new byte[Math.Min(file.Length, (long)Most * _layout.Length)];
            return Parse(content.AsSpan(0, file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)));
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Reads its bytes.</summary>
    public static IReadOnlyList<LoginRecord> Parse(ReadOnlySpan<byte> content)
    {
        var found = new List<LoginRecord>();
        for (; content.Length >= _layout.Length; content = content[_layout.Length..])
        {
            var user = Text(content.Slice(44, 32));
            if (BinaryPrimitives.ReadInt16LittleEndian(content) != UserProcess || user.Length == 0)
            {
                continue;
            }

            found.Add(new(user, Text(content.Slice(8, 32)), AddressOf(content.Slice(_layout.Address, 16)), BinaryPrimitives.ReadUInt32LittleEndian(content[_layout.Time..])));
        }

        return found;
    }

    private static IpAddress? AddressOf(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            return null;
        }

        var isV4 = !bytes[4..].ContainsAnyExcept((byte)0);
        return IpAddress.TryRead(isV4 ? bytes[..4] : bytes, out var address) ? address : null;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
