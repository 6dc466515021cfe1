using System.Globalization;
using System.Text.Json;

namespace Bulkhead.Contracts.Host;

/// <summary>Where each user finds what the agent blocked for that user: a file of one's own, which only oneself and root may read.</summary>
public static class UserBlocks
{
    /// <summary>The folder, unless the agent was told another.</summary>
    public const string Standard = "/run/bulkhead";

    /// <summary>A user's file.</summary>
    public static string PathOf(string folder, uint uid) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"blocks-{uid}"));

    /// <summary>A user's blocks, newest first; null if no agent shows any here.</summary>
    /// <exception cref="UnauthorizedAccessException">They are somebody else's.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    public static IReadOnlyList<Block>? Read(string folder, uint uid)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(folder, uid)), HostJson.Default.IReadOnlyListBlock) ?? [];
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception nothing) when (nothing is FileNotFoundException or JsonException)
        {
            return [];
        }
    }
}
