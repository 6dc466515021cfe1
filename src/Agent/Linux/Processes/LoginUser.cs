using System.Globalization;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Who runs this program: who signed in, whatever sudo made of them since.</summary>
internal static class LoginUser
{
    /// <summary>The name, or the number of a user without one.</summary>
    public static string Name() => new UserNames().NameOf(Id());

    private static uint Id()
    {
        try
        {
            if (uint.TryParse(File.ReadAllText("/proc/self/loginuid"), NumberStyles.None, CultureInfo.InvariantCulture, out var login) && login != ProcessFacts.NoLogin)
            {
                return login;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // A kernel without audit: whoever owns the process.
        }

        return UserId.Effective;
    }
}
